// Text that is still arriving, for readers that are generators. A reader `yield`s where the text so far does not decide what it is,
// and is resumed when more has come. It decides only on what is certain, so a text gives the same result however it is split.

/** A reader, which yields to ask for more text. */
export type Reader<T> = Generator<void, T, void>;

/** The text so far and the reader's position in it. */
export class StreamInput {
  #text = "";
  #ended = false;
  #cutOff = false;
  #exhausted = false;
  /** Offset into the text that {@link rest} begins at. */
  #position = 0;

  append(text: string): void {
    this.#text += text;
  }

  /** Ends the text. `cutOff`: a limit ended it, and more would have come. */
  finish({ cutOff }: { readonly cutOff: boolean } = { cutOff: false }): void {
    this.#ended = true;
    this.#cutOff = cutOff;
  }

  get ended(): boolean {
    return this.#ended;
  }

  /** To be called by a reader that needed more text and found the end. */
  exhaust(): void {
    this.#exhausted = true;
  }

  /** Resets what {@link exhaust} noted. */
  watch(): void {
    this.#exhausted = false;
  }

  /** The text was cut off, and a reader has found its end since {@link watch}. */
  get isCut(): boolean {
    return this.#cutOff && this.#exhausted;
  }

  /** A limit ended the text, and more would have come. */
  get cutOff(): boolean {
    return this.#cutOff;
  }

  /** The text that has come and was not consumed. */
  get rest(): string {
    return this.#text.slice(this.#position);
  }

  get position(): number {
    return this.#position;
  }

  /** Goes to a position that {@link position} gave since the last {@link release}. */
  seek(position: number): void {
    this.#position = position;
  }

  take(length: number): string {
    const taken = this.#text.slice(this.#position, this.#position + length);
    this.#position += taken.length;
    return taken;
  }

  /** The text from `position` to the reader's. */
  since(position: number): string {
    return this.#text.slice(position, this.#position);
  }

  /** Drops what was consumed, so that a long answer is not kept. Positions taken before become invalid. */
  release(): void {
    this.#text = this.#text.slice(this.#position);
    this.#position = 0;
  }
}

/** The next character, or `null` at the end. Does not consume it. */
export function* peek(input: StreamInput): Reader<string | null> {
  while (input.rest === "") {
    if (input.ended) {
      input.exhaust();
      return null;
    }
    yield;
  }
  return input.rest.charAt(0);
}

/** The longest of `literals` with which the rest begins, or `null`. Does not consume it. */
export function* matchOne(input: StreamInput, literals: readonly string[]): Reader<string | null> {
  for (;;) {
    const { rest, ended } = input;
    const open = literals.some((literal) => literal.length > rest.length && literal.startsWith(rest));
    if (open && ended) input.exhaust();
    if (!open || ended) {
      return literals.filter((literal) => rest.startsWith(literal)).reduce<string | null>(longer, null);
    }
    yield;
  }
}

/** Consumes `literal`, with any or no white space in place of its own. False, and nothing consumed, where it is not next. */
export function* skipLiteral(input: StreamInput, literal: string): Reader<boolean> {
  const start = input.position;
  for (const part of literal.split(/\s+/).filter((word) => word !== "")) {
    yield* skipSpace(input);
    if ((yield* matchOne(input, [part])) === null) {
      input.seek(start);
      return false;
    }
    input.take(part.length);
  }
  return true;
}

export function* skipSpace(input: StreamInput): Reader<void> {
  for (;;) {
    const space = /^\s*/.exec(input.rest)?.[0].length ?? 0;
    input.take(space);
    if (input.rest !== "" || input.ended) return;
    yield;
  }
}

/**
 * Consumes text up to the first of `markers` and hands it out as it becomes certain. Returns the marker, which is not consumed, or
 * `null` at the end of the text. Of markers at one place the longest counts. With `holdSpace` white space before a marker is not
 * handed out, but returned as `space`.
 */
export function* readUntil(
  input: StreamInput,
  markers: readonly string[],
  {
    emit,
    holdSpace = false,
    release = false,
    certainFrom = Infinity,
  }: {
    readonly emit: (text: string) => void;
    readonly holdSpace?: boolean;
    /** No reader will seek back before what is emitted. */
    readonly release?: boolean;
    /** Characters of a marker that are dropped as its beginning, rather than emitted, where the text is cut off. @default Infinity */
    readonly certainFrom?: number;
  },
): Reader<{ readonly marker: string | null; readonly space: string }> {
  for (;;) {
    const { rest, ended } = input;
    const found = findFirst(rest, markers, ended);
    if (ended && found.marker === null) {
      const partial = rest.length - firstPartial(rest, markers);
      const dropped = input.cutOff && partial >= certainFrom ? partial : 0;
      emitText(input.take(rest.length - dropped), emit);
      input.take(dropped);
      input.exhaust();
      return { marker: null, space: "" };
    }
    const limit = found.index;
    const held = holdSpace ? (/\s*$/.exec(rest.slice(0, limit))?.[0].length ?? 0) : 0;
    emitText(input.take(limit - held), emit);
    if (found.marker !== null) return { marker: found.marker, space: input.take(held) };
    if (release) input.release();
    yield;
  }
}

/** The first marker and its offset; without one, the offset from which one may still be arriving. */
function findFirst(rest: string, markers: readonly string[], ended: boolean): { marker: string | null; index: number } {
  let index = rest.length;
  let marker: string | null = null;
  for (const candidate of markers) {
    const at = rest.indexOf(candidate);
    if (at !== -1 && (at < index || (at === index && candidate.length > (marker?.length ?? 0)))) {
      index = at;
      marker = candidate;
    }
  }
  if (ended) return { marker, index };
  const partial = firstPartial(rest, markers);
  // A marker that began earlier, or a longer one at the same place, may still be coming.
  return partial < index || (partial === index && marker !== null)
    ? { marker: null, index: partial }
    : { marker, index };
}

/** The first offset from which all the rest is a proper beginning of a marker; the length of `rest` where there is none. */
function firstPartial(rest: string, markers: readonly string[]): number {
  const longest = markers.reduce((length, marker) => Math.max(length, marker.length), 0);
  for (let at = Math.max(0, rest.length - longest + 1); at < rest.length; at += 1) {
    const tail = rest.slice(at);
    if (markers.some((marker) => marker.length > tail.length && marker.startsWith(tail))) return at;
  }
  return rest.length;
}

function emitText(text: string, emit: (text: string) => void): void {
  if (text !== "") emit(text);
}

function longer(best: string | null, candidate: string): string {
  return best === null || candidate.length > best.length ? candidate : best;
}
