// Filling strings up to a width, which counts characters.
import type { Budget } from "../limits.ts";
import { codePointLength } from "../values/text/code-points.ts";
import { TextBuilder } from "../values/text/text-builder.ts";
import { callerText, concat, plain, withMarkup, type PyString } from "../values/text/text.ts";

/** `<` fills on the right, `>` on the left, `^` on both sides with the odd one on the right. */
export type Alignment = "<" | ">" | "^";

export interface Padding {
  readonly width: number;
  /** One character. */
  readonly fill: PyString;
  readonly alignment: Alignment;
}

export function pad(budget: Budget, text: PyString, { width, fill, alignment }: Padding): PyString {
  const missing = width - codePointLength(plain(text));
  if (!(missing > 0)) return text;
  const left = alignment === "<" ? 0 : alignment === ">" ? missing : Math.floor(missing / 2);
  const start = repeat(budget, fill, left);
  return concat(concat(start, text), repeat(budget, fill, missing - left));
}

/** `text * count`. */
export function repeat(budget: Budget, text: PyString, count: number): PyString {
  const { length } = plain(text);
  if (count <= 0 || length === 0) return "";
  budget.text(length * count);
  if (typeof text === "string") return text.repeat(count);
  return repeatText(budget, text, count);
}

function repeatText(budget: Budget, text: Exclude<PyString, string>, count: number): PyString {
  const builder = new TextBuilder(budget);
  if (text.isCallers) return withMarkup(callerText(text.text.repeat(count)), text.markup);
  for (let index = 0; index < count; index += 1) builder.add(text);
  return withMarkup(builder.finish(), text.markup);
}
