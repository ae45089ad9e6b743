// Reads JSON values from arriving text: finds their ends, and hands out their pieces as they come. It follows brackets and strings
// only; whoever parses the arguments finds out whether the rest is valid.
import { peek, skipSpace, type Reader, type StreamInput } from "../stream-input.ts";

/** Consumes a string and returns it with its quotes and escapes; `null`, and nothing consumed, where none begins or none ends. */
export function* readString(input: StreamInput): Reader<string | null> {
  if ((yield* peek(input)) !== '"') return null;
  const start = input.position;
  input.take(1);
  for (;;) {
    const match = /^(?:[^"\\]|\\[^])*/.exec(input.rest)?.[0] ?? "";
    input.take(match.length);
    if (input.rest.startsWith('"')) {
      input.take(1);
      return input.since(start);
    }
    if (input.ended) {
      input.exhaust();
      input.seek(start);
      return null;
    }
    yield;
  }
}

/** Consumes a string and returns its text, or `null` where there is none that parses. */
export function* readText(input: StreamInput): Reader<string | null> {
  const raw = yield* readString(input);
  return raw === null ? null : decodeString(raw);
}

/**
 * Consumes one value and hands out its text in pieces. A value that is cut off ends where the text ends. `release`: no reader will
 * seek back before it.
 */
export function* readValue(
  input: StreamInput,
  { emit, release = false }: { readonly emit: (piece: string) => void; readonly release?: boolean },
): Reader<void> {
  yield* skipSpace(input);
  const scanner = new ValueScanner();
  for (;;) {
    const length = scanner.scan(input.rest);
    const piece = input.take(length);
    if (piece !== "") emit(piece);
    if (!scanner.done && input.ended) input.exhaust();
    if (scanner.done || input.ended) return;
    if (release) input.release();
    yield;
  }
}

export function decodeString(raw: string): string | null {
  try {
    const value = JSON.parse(raw) as unknown;
    return typeof value === "string" ? value : null;
  } catch {
    return null;
  }
}

/** Finds the end of one value over several pieces of text. */
class ValueScanner {
  #depth = 0;
  #inString = false;
  #escaped = false;
  #started = false;
  done = false;

  /** How many characters of `text` belong to the value. */
  scan(text: string): number {
    for (let index = 0; index < text.length; index += 1) {
      const character = text.charAt(index);
      if (this.#inString) this.#scanString(character);
      else if (character === '"') {
        this.#inString = true;
        this.#started = true;
      } else if (character === "{" || character === "[") {
        this.#depth += 1;
        this.#started = true;
      } else if (character === "}" || character === "]") {
        // The bracket around a bare number or word is not part of it.
        if (this.#depth === 0) return this.#finish(index);
        this.#depth -= 1;
        if (this.#depth === 0) return this.#finish(index + 1);
      } else if (this.#depth === 0) {
        if (this.#started && /[\s,]/.test(character)) return this.#finish(index);
        if (!this.#started && character === ",") return this.#finish(index);
        this.#started = true;
      }
      if (this.done) return index + 1;
    }
    return text.length;
  }

  #scanString(character: string): void {
    if (this.#escaped) this.#escaped = false;
    else if (character === "\\") this.#escaped = true;
    else if (character === '"') {
      this.#inString = false;
      this.done = this.#depth === 0;
    }
  }

  #finish(length: number): number {
    this.done = true;
    return length;
  }
}
