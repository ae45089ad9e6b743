// Strings that know where they come from. A JavaScript string is text of the template. Everything else is a `Text`: the caller's
// characters, a mixture, or markup. Most strings are wholly of one origin, and those carry no list of runs.

/** A string of Python's. */
export type PyString = string | Text;

/** Who wrote a character: the template's author (or what is trusted like him), or the caller. */
export type Origin = "template" | "caller";

/** A stretch of one origin: its end in UTF-16 units times 2, plus 1 where the caller wrote it. */
type Mark = number;

export class Text {
  readonly text: string;
  /** Python's `Markup`: what `escape` and `safe` make. */
  readonly markup: boolean;
  #marks: readonly Mark[] | undefined;
  /** Two halves whose marks have not been joined yet, so that a string that grows by pieces costs no more than its pieces. */
  #halves: readonly [PyString, PyString] | undefined;

  /** Without marks, all of `text` is the caller's. */
  constructor(
    text: string,
    options: { markup?: boolean; marks?: readonly Mark[]; halves?: readonly [PyString, PyString] } = {},
  ) {
    this.text = text;
    this.markup = options.markup ?? false;
    this.#marks = options.marks;
    this.#halves = options.halves;
  }

  /** True where the caller wrote every character; costs nothing to ask. */
  get isCallers(): boolean {
    return this.#marks === undefined && this.#halves === undefined;
  }

  /** Ends and origins of the runs; undefined where all is the caller's. */
  get marks(): readonly Mark[] | undefined {
    if (this.#halves === undefined) return this.#marks;
    const marks: Mark[] = [];
    const pending: { text: PyString }[] = [{ text: this.#halves[1] }, { text: this.#halves[0] }];
    let offset = 0;
    for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
      const { text } = next;
      const halves = typeof text === "string" ? undefined : text.#halves;
      if (halves !== undefined) {
        pending.push({ text: halves[1] }, { text: halves[0] });
        continue;
      }
      pushMarks(marks, text, offset);
      offset += plain(text).length;
    }
    this.#marks = marks;
    this.#halves = undefined;
    return marks;
  }
}

/** Text that the caller wrote. */
export function callerText(text: string): Text {
  return new Text(text);
}

/** The characters without their origin. Never for output. */
export function plain(text: PyString): string {
  return typeof text === "string" ? text : text.text;
}

export function isMarkup(text: PyString): boolean {
  return typeof text !== "string" && text.markup;
}

export function isText(value: unknown): value is PyString {
  return typeof value === "string" || value instanceof Text;
}

/** True where the template wrote every character. */
export function isTemplates(text: PyString): boolean {
  if (typeof text === "string") return true;
  const { marks } = text;
  return marks === undefined ? text.text.length === 0 : marks.every((mark) => mark % 2 === 0);
}

/** The string with these characters, the caller's where any of `sources` has a character of the caller's. */
export function derived(text: string, ...sources: readonly PyString[]): PyString {
  return sources.every(isTemplates) ? text : new Text(text);
}

/** The characters from `start` to `end`, in UTF-16 units, with their origins. */
export function sliceText(text: PyString, start: number, end: number = plain(text).length): PyString {
  if (typeof text === "string") return text.slice(start, end);
  const piece = text.text.slice(start, end);
  const { marks, markup } = text;
  if (marks === undefined) return new Text(piece, { markup });
  const kept: Mark[] = [];
  let from = 0;
  for (const mark of marks) {
    const to = mark >> 1;
    if (from >= end) break;
    if (to > start) pushMark(kept, Math.min(to, end) - start, mark & 1);
    from = to;
  }
  return marked(piece, kept, markup);
}

/** Both strings, one after the other. */
export function concat(left: PyString, right: PyString): PyString {
  if (typeof left === "string" && typeof right === "string") return left + right;
  const text = plain(left) + plain(right);
  if (plain(left).length === 0 && !isMarkup(left)) return unmarked(right);
  if (plain(right).length === 0 && !isMarkup(left)) return unmarked(left);
  if (typeof left !== "string" && typeof right !== "string" && left.isCallers && right.isCallers) {
    return new Text(text);
  }
  return new Text(text, { halves: [left, right] });
}

/** The string as plain `str` or as `Markup`. */
export function withMarkup(text: PyString, markup: boolean): PyString {
  if (isMarkup(text) === markup) return text;
  if (typeof text === "string") return new Text(text, { markup, marks: [text.length * 2] });
  const { marks } = text;
  return marks === undefined ? new Text(text.text, { markup }) : marked(text.text, marks, markup);
}

/** The string as plain `str`. */
export function unmarked(text: PyString): PyString {
  return typeof text === "string" || !text.markup ? text : withMarkup(text, false);
}

export interface Run {
  readonly text: string;
  readonly origin: Origin;
}

/** The string in stretches of one origin; none is empty. */
export function runsOf(text: PyString): Run[] {
  if (typeof text === "string") return text === "" ? [] : [{ text, origin: "template" }];
  const { marks } = text;
  if (marks === undefined) return text.text === "" ? [] : [{ text: text.text, origin: "caller" }];
  let from = 0;
  return marks.map((mark): Run => {
    const run = text.text.slice(from, mark >> 1);
    from = mark >> 1;
    return { text: run, origin: mark % 2 === 0 ? "template" : "caller" };
  });
}

/** The string made by `change` from every run on its own, each in the origin of its source. */
export function mapRuns(text: PyString, change: (run: string) => string): PyString {
  if (typeof text === "string") return change(text);
  if (text.marks === undefined) return new Text(change(text.text), { markup: text.markup });
  const marks: Mark[] = [];
  let made = "";
  for (const run of runsOf(text)) {
    made += change(run.text);
    pushMark(marks, made.length, run.origin === "caller" ? 1 : 0);
  }
  return marked(made, marks, text.markup);
}

/** The string with other characters of the same number, such as after a change of case. */
export function sameShape(source: PyString, text: string): PyString {
  if (typeof source === "string") return text;
  const { marks, markup } = source;
  return marks === undefined ? new Text(text, { markup }) : new Text(text, { markup, marks });
}

/** Appends the runs of `text` to `marks`, which end at `offset`. */
export function pushMarks(marks: Mark[], text: PyString, offset: number): void {
  if (typeof text === "string") return pushMark(marks, offset + text.length, 0);
  if (text.marks === undefined) return pushMark(marks, offset + text.text.length, 1);
  for (const mark of text.marks) pushMark(marks, offset + (mark >> 1), mark & 1);
}

/** The string with these runs: a plain JavaScript string where the template wrote all of it. */
export function marked(text: string, marks: readonly Mark[], markup: boolean): PyString {
  if (marks.length > 1) return new Text(text, { markup, marks });
  if ((marks[0] ?? 0) % 2 === 1) return new Text(text, { markup });
  return markup ? new Text(text, { markup, marks }) : text;
}

function pushMark(marks: Mark[], end: number, origin: number): void {
  const last = marks.at(-1);
  if (end === (last === undefined ? 0 : last >> 1)) return;
  if (last !== undefined && last % 2 === origin) marks[marks.length - 1] = end * 2 + origin;
  else marks.push(end * 2 + origin);
}
