// From source to tokens: text, and what stands in `{{ }}` and `{% %}`. Here lives everything about blanks: `-` takes away all blanks on
// its side of a tag; a block that begins a line takes away the blanks before it (`lstrip_blocks`) and the newline behind it
// (`trim_blocks`), unless a `+` says otherwise.
import { blanks, isBlank } from "../values/text/character-classes.ts";
import { parseFloatLiteral, parseInteger, unescapeString } from "./literals.ts";
import type { Token, TokenType } from "./tokens.ts";

const onlyBlanks = new RegExp(`^[${blanks}]+$`, "u");

const pattern = (source: string): RegExp => new RegExp(source.replaceAll("\\s", `[${blanks}]`), "uy");
const rawBegin = pattern("\\{%[-+]?\\s*raw\\s*(?:-%\\}\\s*|%\\})");
const rawEnd = pattern("\\{%([-+]?)\\s*endraw\\s*(?:\\+%\\}|-%\\}\\s*|%\\}\\n?)");
const commentEnd = pattern("\\+#\\}|-#\\}\\s*|#\\}\\n?");
const blockEnd = pattern("\\+%\\}|-%\\}\\s*|%\\}\\n?");
const variableEnd = pattern("-\\}\\}\\s*|\\}\\}");
const gap = pattern("\\s+");
const float = /(?:\d+_)*\d+(?:(?:\.(?:\d+_)*\d+)?e[+-]?(?:\d+_)*\d+|\.(?:\d+_)*\d+)/iuy;
const wholeNumber = /0b(?:_?[01])+|0o(?:_?[0-7])+|0x(?:_?[\da-f])+|[1-9](?:_?\d)*|0(?:_?0)*/iuy;
const name = /[\p{L}\p{N}\p{ID_Continue}_]+/uy;
const identifier = /^[\p{XID_Start}_]\p{XID_Continue}*$/u;
const string = /'[^'\\]*(?:\\[^][^'\\]*)*'|"[^"\\]*(?:\\[^][^"\\]*)*"/uy;
const operator = /\/\/|\*\*|==|!=|>=|<=|[-+/*%~[\](){}><=.:|,;]/uy;

const closers: Readonly<Record<string, string>> = { "(": ")", "[": "]", "{": "}" };

/** The tokens of `source`, ended by `eof`, or by an `invalid` one where the source is no template. */
export function tokenize(source: string): Token[] {
  return new Lexer(source.replace(/\r\n?/g, "\n").replace(/\n$/, "")).run();
}

/** A regular expression would take time that grows with the square of the blanks. */
function withoutTrailingBlanks(text: string): string {
  let end = text.length;
  while (end > 0 && isBlank.test(text[end - 1] as string)) end -= 1;
  return text.slice(0, end);
}

class Lexer {
  readonly #source: string;
  readonly #tokens: Token[] = [];
  #position = 0;
  #line = 1;
  /** True where the text begins a line. */
  #isLineStart = true;

  constructor(source: string) {
    this.#source = source;
  }

  run(): Token[] {
    while (this.#position < this.#source.length) {
      if (!this.#text()) return this.#tokens;
    }
    this.#push("eof", "");
    return this.#tokens;
  }

  /** Reads text up to a tag and the tag itself; false where the source is invalid. */
  #text(): boolean {
    const start = this.#nextTag();
    const kind = this.#source[start + 1];
    if (kind === undefined) {
      this.#push("data", this.#source.slice(this.#position));
      this.#position = this.#source.length;
      return true;
    }
    const sign = this.#source[start + 2] ?? "";
    this.#data(start, sign, kind !== "{");
    const raw = this.#match(rawBegin);
    if (raw !== undefined) return this.#raw();
    this.#advance(2 + (sign === "-" || sign === "+" ? 1 : 0));
    if (kind === "#") return this.#comment();
    return kind === "%"
      ? this.#tag("block_begin", "block_end", blockEnd)
      : this.#tag("variable_begin", "variable_end", variableEnd);
  }

  #nextTag(): number {
    const offset = this.#source.slice(this.#position).search(/\{[%{#]/);
    return offset === -1 ? this.#source.length : this.#position + offset;
  }

  /** The text before a tag, without the blanks that the tag takes away. */
  #data(end: number, sign: string, isBlock: boolean): void {
    const text = this.#source.slice(this.#position, end);
    const line = this.#line;
    const shown =
      sign === "-" ? withoutTrailingBlanks(text) : isBlock && sign !== "+" ? this.#withoutIndent(text) : text;
    if (shown !== "") this.#tokens.push({ type: "data", text: shown, line });
    this.#advance(end - this.#position);
  }

  #withoutIndent(text: string): string {
    const lineStart = text.lastIndexOf("\n") + 1;
    const isIndent = (lineStart > 0 || this.#isLineStart) && onlyBlanks.test(text.slice(lineStart));
    return isIndent ? text.slice(0, lineStart) : text;
  }

  #raw(): boolean {
    for (let at = this.#position; ; at += 1) {
      at = this.#source.indexOf("{%", at);
      if (at === -1) return this.#fail("Missing end of raw directive");
      rawEnd.lastIndex = at;
      const end = rawEnd.exec(this.#source);
      if (end === null) continue;
      this.#data(at, end[1] as string, true);
      this.#advance(end[0].length);
      return true;
    }
  }

  #comment(): boolean {
    for (let at = this.#position; at < this.#source.length; at += 1) {
      commentEnd.lastIndex = at;
      const end = commentEnd.exec(this.#source);
      if (end === null) continue;
      this.#advance(at - this.#position + end[0].length);
      return true;
    }
    return this.#fail("Missing end of comment tag");
  }

  #tag(begin: TokenType, end: TokenType, closing: RegExp): boolean {
    this.#push(begin, "");
    const open: string[] = [];
    while (this.#position < this.#source.length) {
      if (open.length === 0) {
        const line = this.#line;
        if (this.#match(closing) !== undefined) {
          this.#tokens.push({ type: end, text: "", line });
          return true;
        }
      }
      if (this.#match(gap) === undefined && !this.#token(open)) return false;
    }
    return true;
  }

  #token(open: string[]): boolean {
    const line = this.#line;
    const push = (type: TokenType, text: string, value?: Token["value"]): boolean => {
      this.#tokens.push({ type, text, line, ...(value === undefined ? {} : { value }) });
      return true;
    };
    try {
      const number = this.#source[this.#position - 1] === "." ? undefined : this.#match(float);
      if (number !== undefined) return push("float", number, parseFloatLiteral(number));
      const whole = this.#match(wholeNumber);
      if (whole !== undefined) return push("integer", whole, parseInteger(whole));
      const word = this.#match(name);
      if (word !== undefined)
        return identifier.test(word) ? push("name", word) : this.#fail("Invalid character in identifier");
      const quoted = this.#match(string);
      if (quoted !== undefined) return push("string", quoted, unescapeString(quoted.slice(1, -1)));
    } catch (error) {
      if (error instanceof SyntaxError) return this.#fail(error.message);
      throw error;
    }
    const found = this.#match(operator);
    if (found === undefined) {
      const character = String.fromCodePoint(this.#source.codePointAt(this.#position) as number);
      return this.#fail(`unexpected char '${character}' at ${this.#position}`);
    }
    const closer = closers[found];
    if (closer !== undefined) open.push(closer);
    else if (found === ")" || found === "]" || found === "}") {
      const expected = open.pop();
      if (expected === undefined) return this.#fail(`unexpected '${found}'`);
      if (expected !== found) return this.#fail(`unexpected '${found}', expected '${expected}'`);
    }
    return push("operator", found);
  }

  /** Passes over what the expression matches here. */
  #match(expression: RegExp): string | undefined {
    expression.lastIndex = this.#position;
    const [text] = expression.exec(this.#source) ?? [];
    if (text !== undefined) this.#advance(text.length);
    return text;
  }

  #advance(length: number): void {
    const passed = this.#source.slice(this.#position, this.#position + length);
    this.#position += length;
    if (passed.length > 0) this.#isLineStart = passed.endsWith("\n");
    for (let at = passed.indexOf("\n"); at !== -1; at = passed.indexOf("\n", at + 1)) this.#line += 1;
  }

  #push(type: TokenType, text: string): void {
    this.#tokens.push({ type, text, line: this.#line });
  }

  #fail(reason: string): false {
    this.#push("invalid", reason);
    return false;
  }
}
