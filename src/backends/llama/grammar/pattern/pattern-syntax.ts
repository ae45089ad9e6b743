// Parses an ECMAScript regular expression (the dialect of JSON Schema's `pattern`) into a tree. Constructs outside of it are refused by
// name.
import { codePointSet, complementSet, unionSets, type CodePointSet } from "./code-point-set.ts";
import { classEscape, DIGITS, LINE_TERMINATORS, SPACES, WORD_CHARS } from "./pattern-classes.ts";

export type PatternNode =
  | { readonly kind: "set"; readonly set: CodePointSet }
  | { readonly kind: "sequence"; readonly items: readonly PatternNode[] }
  | { readonly kind: "choice"; readonly options: readonly PatternNode[] }
  | { readonly kind: "repeat"; readonly item: PatternNode; readonly min: number; readonly max: number | undefined }
  | { readonly kind: "start" }
  | { readonly kind: "end" }
  | { readonly kind: "lookahead"; readonly item: PatternNode; readonly negative: boolean };

/** A construct outside the regular subset. `message` names it, for the sentence "cannot be enforced: ...". */
export class PatternNotSupportedError extends Error {
  override readonly name = "PatternNotSupportedError";
}

const MAX_GROUP_DEPTH = 64;
const MAX_PATTERN_LENGTH = 4_096;

/**
 * V8 parses the source first (and does not run it), so that only valid expressions get further.
 * @throws PatternNotSupportedError
 */
export function parsePattern(source: string): PatternNode {
  if (source.length > MAX_PATTERN_LENGTH) {
    throw new PatternNotSupportedError(`the pattern is longer than ${MAX_PATTERN_LENGTH} characters`);
  }
  if (!isRegularExpression(source, "u") && !isRegularExpression(source, "")) {
    throw new PatternNotSupportedError("it is not a regular expression");
  }
  const cursor: Cursor = { chars: Array.from(source), index: 0, depth: 0 };
  const tree = parseChoice(cursor);
  if (cursor.index < cursor.chars.length) throw new PatternNotSupportedError("it has an unmatched bracket");
  return tree;
}

interface Cursor {
  readonly chars: readonly string[];
  index: number;
  depth: number;
}

function parseChoice(cursor: Cursor): PatternNode {
  cursor.depth += 1;
  if (cursor.depth > MAX_GROUP_DEPTH) throw new PatternNotSupportedError("its groups are nested too deeply");
  const options = [parseSequence(cursor)];
  while (peek(cursor) === "|") {
    cursor.index += 1;
    options.push(parseSequence(cursor));
  }
  cursor.depth -= 1;
  return options.length === 1 && options[0] !== undefined ? options[0] : { kind: "choice", options };
}

function parseSequence(cursor: Cursor): PatternNode {
  const items: PatternNode[] = [];
  for (;;) {
    const char = peek(cursor);
    if (char === undefined || char === "|" || char === ")") break;
    items.push(parseQuantifiers(cursor, parseAtom(cursor)));
  }
  return items.length === 1 && items[0] !== undefined ? items[0] : { kind: "sequence", items };
}

function parseAtom(cursor: Cursor): PatternNode {
  const char = next(cursor);
  switch (char) {
    case "^":
      return { kind: "start" };
    case "$":
      return { kind: "end" };
    case ".":
      return { kind: "set", set: complementSet(LINE_TERMINATORS) };
    case "(":
      return parseGroup(cursor);
    case "[":
      return { kind: "set", set: parseClass(cursor) };
    case "\\":
      return { kind: "set", set: parseEscape(cursor, { inClass: false }) };
    case "*":
    case "+":
    case "?":
      throw new PatternNotSupportedError(`a quantifier "${char}" follows nothing`);
    default:
      return { kind: "set", set: singleton(char) };
  }
}

function parseGroup(cursor: Cursor): PatternNode {
  let lookahead: boolean | undefined;
  if (take(cursor, "?")) {
    if (take(cursor, "=")) lookahead = true;
    else if (take(cursor, "!")) lookahead = false;
    else if (take(cursor, "<")) {
      if (peek(cursor) === "=" || peek(cursor) === "!") throw new PatternNotSupportedError("it uses lookbehind (?<");
      while (next(cursor) !== ">");
    } else if (!take(cursor, ":")) throw new PatternNotSupportedError(`it uses the group (?${peek(cursor) ?? ""}`);
  }
  const item = parseChoice(cursor);
  if (!take(cursor, ")")) throw new PatternNotSupportedError("it has an unmatched bracket");
  return lookahead === undefined ? item : { kind: "lookahead", item, negative: !lookahead };
}

function parseQuantifiers(cursor: Cursor, item: PatternNode): PatternNode {
  const range = parseQuantifier(cursor);
  if (range === undefined) return item;
  if (item.kind === "start" || item.kind === "end" || item.kind === "lookahead") {
    throw new PatternNotSupportedError("it repeats an assertion");
  }
  // Laziness decides which match is found, never whether there is one.
  take(cursor, "?");
  return { kind: "repeat", item, ...range };
}

function parseQuantifier(cursor: Cursor): { min: number; max: number | undefined } | undefined {
  if (take(cursor, "*")) return { min: 0, max: undefined };
  if (take(cursor, "+")) return { min: 1, max: undefined };
  if (take(cursor, "?")) return { min: 0, max: 1 };
  if (peek(cursor) !== "{") return undefined;
  const match = /^\{(\d+)(?:(,)(\d*))?\}/.exec(cursor.chars.slice(cursor.index, cursor.index + 40).join(""));
  // Without the u flag a brace that starts no quantifier is an ordinary character.
  if (match === null) return undefined;
  cursor.index += match[0].length;
  const min = Number(match[1]);
  return { min, max: match[2] === undefined ? min : match[3] === "" ? undefined : Number(match[3]) };
}

function parseClass(cursor: Cursor): CodePointSet {
  const negative = take(cursor, "^");
  const parts: CodePointSet[] = [];
  while (!take(cursor, "]")) {
    const low = parseClassItem(cursor);
    if (low.length !== 1 || peek(cursor) !== "-" || cursor.chars[cursor.index + 1] === "]") {
      parts.push(low);
      continue;
    }
    cursor.index += 1;
    const high = parseClassItem(cursor);
    const from = low[0]?.[0] ?? 0;
    const to = high[0]?.[0] ?? 0;
    if (low[0]?.[1] !== from || high[0]?.[1] !== to || high.length !== 1) {
      // `[\w-x]` outside the u flag: the hyphen is itself.
      parts.push(low, singleton("-"), high);
    } else parts.push(codePointSet([[from, to]]));
  }
  const set = unionSets(...parts);
  return negative ? complementSet(set) : set;
}

function parseClassItem(cursor: Cursor): CodePointSet {
  const char = next(cursor);
  return char === "\\" ? parseEscape(cursor, { inClass: true }) : singleton(char);
}

function parseEscape(cursor: Cursor, { inClass }: { readonly inClass: boolean }): CodePointSet {
  const char = next(cursor);
  if (char === "b" && inClass) return singleton("\b");
  if (char === "b" || char === "B") throw new PatternNotSupportedError(`it uses the word boundary \\${char}`);
  if (char === "k" || /[1-9]/.test(char)) throw new PatternNotSupportedError(`it uses the back-reference \\${char}`);
  if (char === "x") return codePointFromHex(cursor, 2);
  if (char === "u") {
    if (take(cursor, "{")) {
      let digits = "";
      while (!take(cursor, "}")) digits += next(cursor);
      return codePointSet([[Number.parseInt(digits, 16), Number.parseInt(digits, 16)]]);
    }
    return unicodeEscape(cursor);
  }
  if (char === "c") return singleton(String.fromCodePoint((next(cursor).codePointAt(0) ?? 0) % 32));
  if (char === "p" || char === "P") {
    let name = "";
    if (!take(cursor, "{")) throw new PatternNotSupportedError(`it uses the escape \\${char}`);
    while (!take(cursor, "}")) name += next(cursor);
    const set = classEscape(name);
    if (set === undefined) throw new PatternNotSupportedError(`it uses the property \\${char}{${name}}`);
    return char === "p" ? set : complementSet(set);
  }
  const named = NAMED_ESCAPES.get(char);
  if (named !== undefined) return named;
  if (/[A-Za-z_]/.test(char)) throw new PatternNotSupportedError(`it uses the escape \\${char}`);
  return singleton(char);
}

const NAMED_ESCAPES: ReadonlyMap<string, CodePointSet> = new Map([
  ["d", DIGITS],
  ["D", complementSet(DIGITS)],
  ["w", WORD_CHARS],
  ["W", complementSet(WORD_CHARS)],
  ["s", SPACES],
  ["S", complementSet(SPACES)],
  ["n", singleton("\n")],
  ["r", singleton("\r")],
  ["t", singleton("\t")],
  ["v", singleton("\v")],
  ["f", singleton("\f")],
  ["0", singleton("\0")],
]);

function unicodeEscape(cursor: Cursor): CodePointSet {
  const first = readHex(cursor, 4);
  if (first < 0xd800 || first > 0xdbff || cursor.chars.slice(cursor.index, cursor.index + 2).join("") !== "\\u") {
    return codePointSet([[first, first]]);
  }
  cursor.index += 2;
  const second = readHex(cursor, 4);
  const codePoint = (first - 0xd800) * 0x400 + (second - 0xdc00) + 0x10000;
  if (second < 0xdc00 || second > 0xdfff) throw new PatternNotSupportedError("it matches half a surrogate pair");
  return codePointSet([[codePoint, codePoint]]);
}

function codePointFromHex(cursor: Cursor, digits: number): CodePointSet {
  const value = readHex(cursor, digits);
  return codePointSet([[value, value]]);
}

function readHex(cursor: Cursor, digits: number): number {
  const text = cursor.chars.slice(cursor.index, cursor.index + digits).join("");
  if (!/^[0-9a-fA-F]+$/.test(text) || text.length !== digits) {
    throw new PatternNotSupportedError("it has an unfinished \\x or \\u");
  }
  cursor.index += digits;
  return Number.parseInt(text, 16);
}

function singleton(char: string): CodePointSet {
  const codePoint = char.codePointAt(0) ?? 0;
  return codePointSet([[codePoint, codePoint]]);
}

function peek(cursor: Cursor): string | undefined {
  return cursor.chars[cursor.index];
}

function take(cursor: Cursor, char: string): boolean {
  if (peek(cursor) !== char) return false;
  cursor.index += 1;
  return true;
}

function next(cursor: Cursor): string {
  const char = peek(cursor);
  if (char === undefined) throw new PatternNotSupportedError("it ends too early");
  cursor.index += 1;
  return char;
}

function isRegularExpression(source: string, flags: string): boolean {
  try {
    return new RegExp(source, flags) instanceof RegExp;
  } catch {
    return false;
  }
}
