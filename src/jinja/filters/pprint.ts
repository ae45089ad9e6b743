// `pprint`: `repr` with sorted keys, broken into lines of at most 80 characters where it is longer.
import { isPythonError } from "../errors.ts";
import { isOrdered } from "../values/compare.ts";
import { codePointLength } from "../values/text/code-points.ts";
import { blanks, lineEnd } from "../values/text/character-classes.ts";
import { quote, repr } from "../values/repr.ts";
import { defineAll } from "../values/signature.ts";
import { isMarkup, isTemplates, isText, plain, Text } from "../values/text/text.ts";
import { typeName } from "../values/types.ts";
import { Dict, List, Tuple, type Run, type Value } from "../values/value.ts";

export const printFilters = defineAll({
  pprint: [
    "value",
    (run, [value]) => {
      const sorted = withSortedKeys(run, value as Value);
      const whole = repr(run, sorted);
      const printer = new Printer(run);
      printer.write(sorted, { indent: 0, allowance: 0, level: 1 });
      const text = printer.parts.join("");
      run.budget.text(text.length);
      return isTemplates(whole) ? text : new Text(text);
    },
  ],
});

const lineWidth = 80;

interface Place {
  /** Characters before the value on its line. */
  readonly indent: number;
  /** Characters that must fit behind it. */
  readonly allowance: number;
  readonly level: number;
}

class Printer {
  readonly parts: string[] = [];
  readonly #run: Run;

  constructor(run: Run) {
    this.#run = run;
  }

  write(value: Value, place: Place): void {
    const whole = plain(repr(this.#run, value));
    const isLong = codePointLength(whole) > lineWidth - place.indent - place.allowance;
    if (isLong && value instanceof Dict && value.size > 0) this.#dict(value, place);
    else if (isLong && value instanceof List && value.items.length > 0) this.#items(value.items, ["[", "]"], place);
    else if (isLong && value instanceof Tuple && value.items.length > 0 && value.fields === undefined) {
      this.#items(value.items, ["(", value.items.length === 1 ? ",)" : ")"], place);
    } else if (isLong && isText(value) && !isMarkup(value)) this.#string(plain(value), whole, place);
    else this.parts.push(whole);
  }

  #dict(dict: Dict, { indent, allowance, level }: Place): void {
    const entries = [...dict.entries()];
    this.parts.push("{");
    this.#run.budget.deeper(() => {
      for (const [index, [key, value]] of entries.entries()) {
        const name = plain(repr(this.#run, key));
        this.parts.push(index === 0 ? "" : `,\n${" ".repeat(indent + 1)}`, `${name}: `);
        const isLast = index === entries.length - 1;
        const inner = indent + 1 + codePointLength(name) + 2;
        this.write(value, { indent: inner, allowance: isLast ? allowance + 1 : 1, level: level + 1 });
      }
    });
    this.parts.push("}");
  }

  #items(items: readonly Value[], [open, close]: readonly [string, string], { indent, allowance, level }: Place): void {
    this.parts.push(open);
    this.#run.budget.deeper(() => {
      for (const [index, item] of items.entries()) {
        if (index > 0) this.parts.push(`,\n${" ".repeat(indent + 1)}`);
        const isLast = index === items.length - 1;
        this.write(item, { indent: indent + 1, allowance: isLast ? allowance + close.length : 1, level: level + 1 });
      }
    });
    this.parts.push(close);
  }

  /** A long string as several, broken behind its lines and between its words. */
  #string(text: string, whole: string, place: Place): void {
    const isOutermost = place.level === 1;
    const indent = place.indent + (isOutermost ? 1 : 0);
    const allowance = place.allowance + (isOutermost ? 1 : 0);
    const lines = linesOf(text);
    const pieces = lines.flatMap((line, index) => {
      const isLast = index === lines.length - 1;
      return this.#pieces(line, { width: lineWidth - indent, allowance: isLast ? allowance : 0 });
    });
    if (pieces.length <= 1) {
      this.parts.push(pieces[0] ?? whole);
      return;
    }
    const joined = pieces.join(`\n${" ".repeat(indent)}`);
    this.parts.push(isOutermost ? `(${joined})` : joined);
  }

  #pieces(line: string, { width, allowance }: { width: number; allowance: number }): string[] {
    const quoted = (text: string): string => quote(this.#run.budget, text);
    if (codePointLength(quoted(line)) <= width - allowance) return [quoted(line)];
    const words = (line.match(wordsWithGaps) ?? []).filter((word) => word !== "");
    const pieces: string[] = [];
    let current = "";
    for (const [index, word] of words.entries()) {
      const most = index === words.length - 1 ? width - allowance : width;
      if (codePointLength(quoted(current + word)) <= most) {
        current += word;
        continue;
      }
      if (current !== "") pieces.push(quoted(current));
      current = word;
    }
    return current === "" ? pieces : [...pieces, quoted(current)];
  }
}

const wordsWithGaps = new RegExp(`[^${blanks}]*[${blanks}]*`, "gu");

function linesOf(text: string): string[] {
  const lines: string[] = [];
  let from = 0;
  for (const match of text.matchAll(lineEnd)) {
    lines.push(text.slice(from, match.index + match[0].length));
    from = match.index + match[0].length;
  }
  return from < text.length ? [...lines, text.slice(from)] : lines;
}

/** The value with the keys of all its dicts in order; keys that have none among each other are ordered by the names of their types. */
function withSortedKeys(run: Run, value: Value): Value {
  if (value instanceof List)
    return new List(run.budget.deeper(() => value.items.map((item) => withSortedKeys(run, item))));
  if (value instanceof Tuple && value.fields === undefined) {
    return new Tuple(run.budget.deeper(() => value.items.map((item) => withSortedKeys(run, item))));
  }
  if (!(value instanceof Dict)) return value;
  run.budget.steps(value.size * 4);
  const entries = [...value.entries()].sort(([one], [other]) =>
    isBefore(run, one, other) ? -1 : isBefore(run, other, one) ? 1 : 0,
  );
  return new Dict(run.budget.deeper(() => entries.map(([key, entry]) => [key, withSortedKeys(run, entry)] as const)));
}

function isBefore(run: Run, left: Value, right: Value): boolean {
  try {
    return isOrdered(run, "<", { left, right });
  } catch (error) {
    if (!isPythonError(error, "TypeError")) throw error;
    return typeName(left) < typeName(right);
  }
}
