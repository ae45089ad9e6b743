// The tokens of a template, and a stream of them that fails as Python's does.
import { TemplateSyntaxError } from "../errors.ts";
import type { Value } from "../values/value.ts";

export type TokenType =
  | "data"
  | "variable_begin"
  | "variable_end"
  | "block_begin"
  | "block_end"
  | "name"
  | "string"
  | "integer"
  | "float"
  | "operator"
  | "invalid"
  | "eof";

export interface Token {
  readonly type: TokenType;
  /** The name, the operator, the text of data; of an invalid token, what is wrong. */
  readonly text: string;
  /** What a literal stands for. */
  readonly value?: Value;
  readonly line: number;
}

const typeNames: Readonly<Record<string, string>> = {
  data: "template data / text",
  variable_begin: "begin of print statement",
  variable_end: "end of print statement",
  block_begin: "begin of statement block",
  block_end: "end of statement block",
  eof: "end of template",
};

/** The token as messages name it. */
export function describe(token: Token): string {
  return token.type === "name" || token.type === "operator" ? token.text : (typeNames[token.type] ?? token.type);
}

export class TokenStream {
  readonly #tokens: readonly Token[];
  #position = 0;

  /** The last of the tokens is `eof` or `invalid`. */
  constructor(tokens: readonly Token[]) {
    this.#tokens = tokens;
  }

  get current(): Token {
    const token = this.#tokens[this.#position] as Token;
    if (token.type === "invalid") throw new TemplateSyntaxError(token.text, token.line);
    return token;
  }

  /** The token behind the current one. */
  get following(): Token {
    return this.#tokens[this.#position + 1] ?? this.current;
  }

  next(): Token {
    const token = this.current;
    if (token.type !== "eof") this.#position += 1;
    return token;
  }

  is(type: TokenType, text?: string): boolean {
    return matches(this.current, type, text);
  }

  isOperator(...operators: readonly string[]): boolean {
    return this.current.type === "operator" && operators.includes(this.current.text);
  }

  isName(...names: readonly string[]): boolean {
    return this.current.type === "name" && names.includes(this.current.text);
  }

  /** Passes the token over where it is there. */
  skip(type: TokenType, text?: string): boolean {
    const found = this.is(type, text);
    if (found) this.next();
    return found;
  }

  expect(type: TokenType, text?: string): Token {
    if (this.is(type, text)) return this.next();
    const expected = text ?? typeNames[type] ?? type;
    if (this.current.type === "eof") this.fail(`unexpected end of template, expected '${expected}'.`);
    this.fail(`expected token '${expected}', got '${describe(this.current)}'`);
  }

  fail(reason: string, line: number = this.current.line): never {
    throw new TemplateSyntaxError(reason, line);
  }
}

export function matches(token: Token, type: TokenType, text?: string): boolean {
  return token.type === type && (text === undefined || token.text === text);
}
