// Marks callers' text on its way to the template. A message's text may be a caller's words inside markup of ours (a call in the family's
// format, a description of tools), so strings carry marks around what callers wrote; for the template engine each becomes a string that
// knows the origin of every character. No control token is then ever made of a caller's characters: `splitPrompt` looks at the origins
// of the rendered text, whatever the template did to it.
import { callerText, concat, type PyString } from "../../../../jinja/values/text/text.ts";
import { fromJavaScript } from "../../../../jinja/values/from-json.ts";
import { entriesOf } from "../../../../util/ordered-json.ts";
import { Dict, Float, List, type Value } from "../../../../jinja/values/value.ts";

export interface CallerMarks {
  /** The text, marked as a caller's. */
  text(value: string): string;
  /** Marks every string in a JSON value, keys included. Maps are objects, too. */
  deep(value: unknown): unknown;
  /** A text of callers that stands nowhere else: for finding a place again in the rendered text. */
  readonly endMark: string;
  /** The value as the template engine takes it, the marks turned into origins. */
  toTemplateValue(value: unknown): Value;
}

/** First and last code point of the private use plane 16, of which no text in use has any. */
const privateUse = { first: 0x10_0000, last: 0x10_fffd } as const;

/** `corpus` = everything that callers sent, and the template: no mark occurs in it. */
export function createCallerMarks(corpus: string): CallerMarks {
  const [open, close, end] = unusedCharacters(corpus, 3) as [string, string, string];

  const text = (value: string): string => (value === "" ? "" : `${open}${value}${close}`);
  const deep = (value: unknown): unknown => {
    if (typeof value === "string") return text(value);
    if (Array.isArray(value)) return value.map(deep);
    if (typeof value !== "object" || value === null || value instanceof Float) return value;
    if (value instanceof Map) return new Map(entriesOf(value).map(([key, entry]) => [text(key), deep(entry)]));
    return Object.fromEntries(Object.entries(value).map(([key, entry]) => [text(key), deep(entry)]));
  };

  const toText = (value: string): PyString => {
    let result: PyString = "";
    // Marks do not nest, but text that is marked twice closes twice: everything between the first and the last mark is the caller's.
    let depth = 0;
    for (const piece of value.split(new RegExp(`([${open}${close}])`, "u"))) {
      if (piece === open) depth += 1;
      else if (piece === close) depth -= 1;
      else if (piece !== "") result = concat(result, depth > 0 ? callerText(piece) : piece);
    }
    return result;
  };
  const toTemplateValue = (value: unknown): Value => {
    if (typeof value === "string") return toText(value);
    if (Array.isArray(value)) return new List(value.map(toTemplateValue));
    if (typeof value !== "object" || value === null || value instanceof Float) return fromJavaScript(value, "template");
    return new Dict(
      entriesOf(value)
        .filter(([, entry]) => entry !== undefined)
        .map(([key, entry]) => [toText(key), toTemplateValue(entry)]),
    );
  };
  return { text, deep, endMark: text(end), toTemplateValue };
}

function unusedCharacters(corpus: string, count: number): string[] {
  const characters: string[] = [];
  for (let codePoint: number = privateUse.last; characters.length < count; codePoint -= 1) {
    if (codePoint < privateUse.first) throw new RangeError("The request uses every private character.");
    const character = String.fromCodePoint(codePoint);
    // `JSON.stringify` leaves them as they are, so that they are found in a corpus of JSON.
    if (!corpus.includes(character)) characters.push(character);
  }
  return characters;
}

/** A pattern for any of the texts, the longest first, so that a text that another one begins with does not hide it. */
export function alternatives(texts: readonly string[]): string {
  return [...texts]
    .sort((left, right) => right.length - left.length)
    .map((text) => text.replaceAll(/[\\^$.*+?()[\]{}|/-]/g, "\\$&"))
    .join("|");
}
