// Parses GBNF as llama.cpp does (src/llama-grammar.cpp, `llama_grammar_parser`), but throws errors with a position instead of printing
// them, refuses token references in callers' grammars, and bounds what llama.cpp recurses or multiplies on.
import {
  sizeOf,
  type GbnfAlternatives,
  type GbnfElement,
  type GbnfGrammar,
  type GbnfRule,
  type GbnfSequence,
} from "./gbnf-tree.ts";
import { GbnfSyntaxError } from "./gbnf-syntax-error.ts";
import { LLAMA_MAX_REPETITION } from "./limits.ts";

const MAX_GROUP_DEPTH = 200;

/** A token is a character to those who analyse a grammar, and none that a text can have. */
const FIRST_TOKEN = 0x110000;

/**
 * References are not resolved here. `takesTokens`: `<[id]>` stands for one token, else it is refused.
 * @throws GbnfSyntaxError
 */
export function parseGbnf(text: string, { takesTokens = false }: { readonly takesTokens?: boolean } = {}): GbnfGrammar {
  return new GbnfParser(text, takesTokens).parse();
}

class GbnfParser {
  readonly #text: string;
  readonly #takesTokens: boolean;
  readonly #rules = new Map<string, GbnfRule>();
  // llama.cpp limits repetitions of a group by the number of symbols that are new inside it, so symbols are counted as it does.
  readonly #symbols = new Set<string>();
  #generatedSymbols = 0;
  #expandedElements = 0;
  #at = 0;
  #depth = 0;

  constructor(text: string, takesTokens: boolean) {
    this.#text = text;
    this.#takesTokens = takesTokens;
  }

  parse(): GbnfGrammar {
    const nul = this.#text.indexOf("\0");
    if (nul >= 0) throw new GbnfSyntaxError("a NUL character ends the grammar early", nul);
    const half = /\p{Surrogate}/u.exec(this.#text);
    if (half !== null) throw new GbnfSyntaxError("half a surrogate pair is not a character", half.index);
    this.#skipSpace(true);
    while (this.#at < this.#text.length) this.#parseRule();
    return { rules: this.#rules, expandedElements: this.#expandedElements };
  }

  #parseRule(): void {
    const offset = this.#at;
    const name = this.#parseName();
    this.#skipSpace(false);
    if (!this.#text.startsWith("::=", this.#at)) this.#fail('expected "::="');
    this.#at += 3;
    this.#skipSpace(true);
    if (this.#rules.has(name)) throw new GbnfSyntaxError(`the rule "${name}" is defined twice`, offset);
    this.#rules.set(name, { name, offset, alternatives: this.#parseAlternatives(false) });
    if (this.#at < this.#text.length && !/[\r\n]/.test(this.#peek())) this.#fail("expected the end of the line");
    this.#skipSpace(true);
  }

  #parseAlternatives(isNested: boolean): GbnfAlternatives {
    const alternatives = [this.#parseSequence(isNested)];
    while (this.#peek() === "|") {
      this.#at += 1;
      this.#skipSpace(true);
      alternatives.push(this.#parseSequence(isNested));
    }
    this.#expandedElements += alternatives.length;
    return alternatives;
  }

  #parseSequence(isNested: boolean): GbnfSequence {
    const sequence: GbnfElement[] = [];
    // The symbols that the last element unrolls to, with the repetitions already applied to it.
    let symbols = 1;
    for (;;) {
      const char = this.#peek();
      if (char === "*" || char === "+" || char === "?" || char === "{") {
        const offset = this.#at;
        const { min, max } = this.#parseQuantifier(isNested);
        const item = sequence.pop();
        if (item === undefined) throw new GbnfSyntaxError(`a quantifier "${char}" follows nothing`, offset);
        symbols = this.#countRepetition({ symbols, min, max, item, offset });
        sequence.push({ kind: "repeat", item, min, max });
        continue;
      }
      const symbolsBefore = this.#symbols.size + this.#generatedSymbols;
      const element = this.#parseElement(isNested);
      if (element === undefined) return sequence;
      symbols = element.kind === "group" ? Math.max(1, this.#symbols.size + this.#generatedSymbols - symbolsBefore) : 1;
      this.#expandedElements += sizeOf(element);
      sequence.push(element);
    }
  }

  #parseElement(isNested: boolean): GbnfElement | undefined {
    const char = this.#peek();
    if (char === '"') return this.#parseLiteral(isNested);
    if (char === "[") return this.#parseClass(isNested);
    if (char === "(") return this.#parseGroup(isNested);
    if (char === "<" || char === "!") return this.#parseToken(isNested);
    if (char === ".") {
      this.#at += 1;
      this.#skipSpace(isNested);
      return { kind: "class", ranges: [[0, 0x10ffff]], isNegative: false };
    }
    if (!/^[A-Za-z0-9-]$/.test(char)) return undefined;
    const offset = this.#at;
    const name = this.#parseName();
    this.#skipSpace(isNested);
    return { kind: "reference", name, offset };
  }

  #parseToken(isNested: boolean): GbnfElement {
    const token = /<\[(\d+)\]>/y;
    token.lastIndex = this.#at;
    const [text = "", id] = (this.#takesTokens ? token.exec(this.#text) : null) ?? [];
    if (id === undefined) this.#fail("token references are not accepted");
    this.#at += text.length;
    this.#skipSpace(isNested);
    return { kind: "literal", codePoints: [FIRST_TOKEN + Number(id)] };
  }

  #parseLiteral(isNested: boolean): GbnfElement {
    const offset = this.#at;
    this.#at += 1;
    const codePoints: number[] = [];
    while (this.#peek() !== '"') codePoints.push(this.#parseChar());
    this.#at += 1;
    this.#skipSpace(isNested);
    if (codePoints.length === 0 && /^[*+?{]/.test(this.#peek())) {
      throw new GbnfSyntaxError("an empty literal cannot be repeated", offset);
    }
    return { kind: "literal", codePoints };
  }

  #parseClass(isNested: boolean): GbnfElement {
    const offset = this.#at;
    this.#at += 1;
    const isNegative = this.#peek() === "^";
    if (isNegative) this.#at += 1;
    const ranges: [number, number][] = [];
    while (this.#peek() !== "]") {
      const low = this.#parseChar();
      let high = low;
      if (this.#peek() === "-" && this.#text[this.#at + 1] !== "]") {
        this.#at += 1;
        high = this.#parseChar();
      }
      if (high < low) throw new GbnfSyntaxError("a range of characters runs backwards", offset);
      ranges.push([low, high]);
    }
    if (ranges.length === 0) throw new GbnfSyntaxError("a character class is empty", offset);
    this.#at += 1;
    this.#skipSpace(isNested);
    return { kind: "class", ranges, isNegative };
  }

  #parseGroup(isNested: boolean): GbnfElement {
    this.#depth += 1;
    if (this.#depth > MAX_GROUP_DEPTH) this.#fail("groups are nested too deeply");
    this.#generatedSymbols += 1;
    this.#at += 1;
    this.#skipSpace(true);
    const alternatives = this.#parseAlternatives(true);
    if (this.#peek() !== ")") this.#fail('expected ")"');
    this.#at += 1;
    this.#skipSpace(isNested);
    this.#depth -= 1;
    return { kind: "group", alternatives };
  }

  #parseQuantifier(isNested: boolean): { readonly min: number; readonly max: number | undefined } {
    const char = this.#peek();
    this.#at += 1;
    this.#skipSpace(isNested);
    if (char === "*") return { min: 0, max: undefined };
    if (char === "+") return { min: 1, max: undefined };
    if (char === "?") return { min: 0, max: 1 };
    const min = this.#parseCount(isNested);
    let max: number | undefined = min;
    if (this.#peek() === ",") {
      this.#at += 1;
      this.#skipSpace(isNested);
      max = /^\d$/.test(this.#peek()) ? this.#parseCount(isNested) : undefined;
    }
    if (this.#peek() !== "}") this.#fail('expected "}"');
    if (max !== undefined && max < min) this.#fail("the upper count is below the lower one");
    this.#at += 1;
    this.#skipSpace(isNested);
    return { min, max };
  }

  #parseCount(isNested: boolean): number {
    const digits = /\d*/y;
    digits.lastIndex = this.#at;
    const text = digits.exec(this.#text)?.[0] ?? "";
    if (text === "") this.#fail("expected a number");
    const count = Number(text);
    // llama.cpp silently takes a larger upper bound for "no bound".
    if (count > LLAMA_MAX_REPETITION) this.#fail(`a count exceeds ${LLAMA_MAX_REPETITION}`);
    this.#at += text.length;
    this.#skipSpace(isNested);
    return count;
  }

  #countRepetition(repetition: {
    readonly symbols: number;
    readonly min: number;
    readonly max: number | undefined;
    readonly item: GbnfElement;
    readonly offset: number;
  }): number {
    const { symbols, min, max, item, offset } = repetition;
    const copies = max !== undefined && max > 0 ? max : Math.max(1, min);
    if (symbols * copies > LLAMA_MAX_REPETITION) {
      throw new GbnfSyntaxError("a repetition of a group or of a repetition is too large", offset);
    }
    this.#generatedSymbols += max === undefined ? 1 : max - min;
    this.#expandedElements += copies * sizeOf(item) + (max === undefined ? 3 : (max - min) * 3);
    return symbols * copies;
  }

  #parseChar(): number {
    const char = this.#peek();
    if (char === "") this.#fail("unexpected end of the grammar");
    if (char !== "\\") {
      const codePoint = this.#text.codePointAt(this.#at) ?? 0;
      this.#at += codePoint > 0xffff ? 2 : 1;
      return codePoint;
    }
    const escape = this.#text[this.#at + 1] ?? "";
    const digits = HEX_ESCAPES.get(escape);
    if (digits !== undefined) return this.#parseHex(digits);
    const codePoint = CHAR_ESCAPES.get(escape);
    if (codePoint === undefined) return this.#fail(`unknown escape "\\${escape}"`);
    this.#at += 2;
    return codePoint;
  }

  #parseHex(digits: number): number {
    const text = this.#text.slice(this.#at + 2, this.#at + 2 + digits);
    if (text.length !== digits || !/^[0-9a-fA-F]+$/.test(text)) this.#fail(`expected ${digits} hexadecimal digits`);
    const codePoint = Number.parseInt(text, 16);
    if (codePoint > 0x10ffff) this.#fail("a character lies beyond U+10FFFF");
    this.#at += 2 + digits;
    return codePoint;
  }

  #parseName(): string {
    const pattern = /[A-Za-z0-9-]*/y;
    pattern.lastIndex = this.#at;
    const name = pattern.exec(this.#text)?.[0] ?? "";
    if (name === "") this.#fail("expected the name of a rule");
    this.#at += name.length;
    this.#symbols.add(name);
    return name;
  }

  /** Skips spaces and comments, and line breaks where the grammar may go on in the next line. */
  #skipSpace(acrossLines: boolean): void {
    const space = acrossLines ? /(?:[ \t\r\n]|#[^\r\n]*)*/y : /(?:[ \t]|#[^\r\n]*)*/y;
    space.lastIndex = this.#at;
    this.#at += space.exec(this.#text)?.[0].length ?? 0;
  }

  #peek(): string {
    return this.#text[this.#at] ?? "";
  }

  #fail(message: string): never {
    throw new GbnfSyntaxError(message, this.#at);
  }
}

const HEX_ESCAPES: ReadonlyMap<string, number> = new Map([
  ["x", 2],
  ["u", 4],
  ["U", 8],
]);
const CHAR_ESCAPES: ReadonlyMap<string, number> = new Map([
  ["t", 0x09],
  ["r", 0x0d],
  ["n", 0x0a],
  ["\\", 0x5c],
  ['"', 0x22],
  ["[", 0x5b],
  ["]", 0x5d],
  ["-", 0x2d],
]);
