// An interpreter of GBNF for tests, written apart from the code under test: it desugars as llama.cpp does (src/llama-grammar.cpp) and
// runs the same kind of stacks. It decides whether a text is in a grammar, and draws random texts from it.

/** A terminal is a set of ranges; a reference names a rule, which may be a synthesised one. */
type Symbol =
  | { readonly kind: "terminal"; readonly ranges: readonly (readonly [number, number])[]; readonly negative: boolean }
  | { readonly kind: "reference"; readonly rule: string };

type Rules = Map<string, Symbol[][]>;

export interface Sampler {
  /** A number in [0, 1). */
  random(): number;
}

export class GbnfMachine {
  readonly rules: Rules = new Map();
  readonly #costs: Map<string, number>;

  constructor(text: string) {
    new Reader(text, this.rules).read();
    this.#costs = this.#leastDepths();
  }

  accepts(text: string): boolean {
    let stacks = this.#settle([[{ kind: "reference", rule: "root" }]]);
    for (const char of text) {
      const codePoint = char.codePointAt(0) ?? 0;
      const next: Symbol[][] = [];
      for (const stack of stacks) {
        const top = stack.at(-1);
        if (top?.kind === "terminal" && matches(top, codePoint)) next.push(stack.slice(0, -1));
      }
      stacks = this.#settle(next);
      if (stacks.length === 0) return false;
    }
    return stacks.some((stack) => stack.length === 0);
  }

  /** A random text. Alternatives are drawn evenly until `budget` choices are spent, then the shortest way out is taken. */
  sample(sampler: Sampler, budget = 400): string {
    let text = "";
    let choices = 0;
    const stack: Symbol[] = [{ kind: "reference", rule: "root" }];
    for (let symbol = stack.pop(); symbol !== undefined; symbol = stack.pop()) {
      if (symbol.kind === "terminal") {
        text += String.fromCodePoint(draw(symbol, sampler));
        continue;
      }
      const alternatives = this.rules.get(symbol.rule) ?? [];
      choices += 1;
      const pick =
        choices < budget
          ? alternatives[Math.floor(sampler.random() * alternatives.length)]
          : alternatives.reduce((best, one) => (this.#costOf(one) < this.#costOf(best) ? one : best));
      stack.push(...[...(pick ?? [])].reverse());
    }
    return text;
  }

  /** Replaces references on top of stacks until every stack is empty or has a terminal on top. */
  #settle(start: readonly Symbol[][]): Symbol[][] {
    const todo = [...start];
    const seen = new Set<string>();
    const settled: Symbol[][] = [];
    for (let stack = todo.pop(); stack !== undefined; stack = todo.pop()) {
      const key = stack.map((symbol) => this.#keyOf(symbol)).join(" ");
      if (seen.has(key)) continue;
      seen.add(key);
      const top = stack.at(-1);
      if (top === undefined || top.kind === "terminal") settled.push(stack);
      else for (const one of this.rules.get(top.rule) ?? []) todo.push([...stack.slice(0, -1), ...[...one].reverse()]);
    }
    return settled;
  }

  readonly #keys = new Map<Symbol, string>();

  #keyOf(symbol: Symbol): string {
    if (symbol.kind === "reference") return symbol.rule;
    let key = this.#keys.get(symbol);
    if (key === undefined) {
      key = `#${this.#keys.size}`;
      this.#keys.set(symbol, key);
    }
    return key;
  }

  #leastDepths(): Map<string, number> {
    const depths = new Map<string, number>();
    for (let changed = true; changed;) {
      changed = false;
      for (const [name, alternatives] of this.rules) {
        const least = 1 + Math.min(...alternatives.map((one) => costWith(one, depths)));
        if (least < (depths.get(name) ?? Infinity)) {
          depths.set(name, least);
          changed = true;
        }
      }
    }
    return depths;
  }

  #costOf(sequence: readonly Symbol[]): number {
    return costWith(sequence, this.#costs);
  }
}

function costWith(sequence: readonly Symbol[], depths: ReadonlyMap<string, number>): number {
  return sequence.reduce((sum, one) => sum + (one.kind === "terminal" ? 1 : (depths.get(one.rule) ?? Infinity)), 0);
}

function matches({ ranges, negative }: Symbol & { readonly kind: "terminal" }, codePoint: number): boolean {
  return ranges.some(([low, high]) => low <= codePoint && codePoint <= high) !== negative;
}

// Mostly from a range's first few hundred characters and its ends: uniform draws would be nothing but rare ideographs.
function draw(terminal: Symbol & { readonly kind: "terminal" }, sampler: Sampler): number {
  if (terminal.negative) throw new Error("the grammars under test use positive classes only");
  const [low, high] = terminal.ranges[Math.floor(sampler.random() * terminal.ranges.length)] ?? [0, 0];
  const roll = sampler.random();
  if (roll < 0.05) return high;
  return low + Math.floor(sampler.random() * (roll < 0.9 ? Math.min(high - low + 1, 300) : high - low + 1));
}

/** Reads grammar text straight into desugared rules. Trusts its input more than llama.cpp does: tests also run the real parser. */
class Reader {
  readonly #text: string;
  readonly #rules: Rules;
  #at = 0;
  #made = 0;

  constructor(text: string, rules: Rules) {
    this.#text = text;
    this.#rules = rules;
  }

  read(): void {
    this.#space();
    while (this.#at < this.#text.length) {
      const name = this.#name();
      this.#space();
      if (this.#text.slice(this.#at, this.#at + 3) !== "::=") throw new Error(`no ::= at ${this.#at}`);
      this.#at += 3;
      this.#inlineSpace();
      this.#rules.set(name, this.#alternatives());
      this.#space();
    }
  }

  #alternatives(): Symbol[][] {
    const alternatives = [this.#sequence()];
    while (this.#text[this.#at] === "|") {
      this.#at += 1;
      this.#inlineSpace();
      alternatives.push(this.#sequence());
    }
    return alternatives;
  }

  #sequence(): Symbol[] {
    const sequence: Symbol[] = [];
    let last: Symbol[] = [];
    for (;;) {
      const char = this.#text[this.#at] ?? "";
      if (char === '"') {
        sequence.push(...last);
        last = [];
        for (this.#at += 1; this.#text[this.#at] !== '"';) last.push(terminal(this.#char()));
        this.#at += 1;
      } else if (char === "[") {
        sequence.push(...last);
        last = [this.#charClass()];
      } else if (char === "(") {
        sequence.push(...last);
        this.#at += 1;
        this.#inlineSpace();
        last = [this.#rule(this.#alternatives())];
        if (this.#text[this.#at] !== ")") throw new Error(`no ) at ${this.#at}`);
        this.#at += 1;
      } else if (/^[*+?{]$/.test(char)) {
        last = this.#repetition(last);
      } else if (/^[A-Za-z0-9-]$/.test(char)) {
        sequence.push(...last);
        last = [{ kind: "reference", rule: this.#name() }];
      } else return [...sequence, ...last];
      this.#inlineSpace();
    }
  }

  #repetition(item: Symbol[]): Symbol[] {
    const match = /^(?:([*+?])|\{(\d+)(?:(,)(\d*))?\})/.exec(this.#text.slice(this.#at, this.#at + 20));
    if (match === null) throw new Error(`no quantifier at ${this.#at}`);
    this.#at += match[0].length;
    const [, sign, minimum, comma, maximum] = match;
    const min = sign === undefined ? Number(minimum) : sign === "+" ? 1 : 0;
    const max =
      sign === undefined
        ? comma === undefined
          ? min
          : maximum === ""
            ? Infinity
            : Number(maximum)
        : sign === "?"
          ? 1
          : Infinity;
    const mandatory = Array.from({ length: min }, () => item).flat();
    if (max === Infinity) {
      const name = this.#fresh();
      this.#rules.set(name, [[...item, { kind: "reference", rule: name }], []]);
      return [...mandatory, { kind: "reference", rule: name }];
    }
    let rest: Symbol[] = [];
    for (let count = min; count < max; count += 1) rest = [this.#rule([item.concat(rest), []])];
    return [...mandatory, ...rest];
  }

  #charClass(): Symbol {
    this.#at += 1;
    const negative = this.#text[this.#at] === "^";
    if (negative) this.#at += 1;
    const ranges: [number, number][] = [];
    while (this.#text[this.#at] !== "]") {
      const low = this.#char();
      let high = low;
      if (this.#text[this.#at] === "-" && this.#text[this.#at + 1] !== "]") {
        this.#at += 1;
        high = this.#char();
      }
      ranges.push([low, high]);
    }
    this.#at += 1;
    return { kind: "terminal", ranges, negative };
  }

  #char(): number {
    const rest = this.#text.slice(this.#at, this.#at + 10);
    const hex = /^\\(?:x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8}))/.exec(rest);
    if (hex !== null) {
      this.#at += hex[0].length;
      return Number.parseInt(hex[1] ?? hex[2] ?? hex[3] ?? "", 16);
    }
    if (rest.startsWith("\\")) {
      this.#at += 2;
      const codes: Record<string, number> = { n: 10, r: 13, t: 9 };
      return codes[rest[1] ?? ""] ?? rest.charCodeAt(1);
    }
    const codePoint = rest.codePointAt(0);
    if (codePoint === undefined) throw new Error("the grammar ends too early");
    this.#at += codePoint > 0xffff ? 2 : 1;
    return codePoint;
  }

  #rule(alternatives: Symbol[][]): Symbol {
    const rule = this.#fresh();
    this.#rules.set(rule, alternatives);
    return { kind: "reference", rule };
  }

  #fresh(): string {
    this.#made += 1;
    return `_${this.#made}`;
  }

  #name(): string {
    const match = /^[A-Za-z0-9-]+/.exec(this.#text.slice(this.#at, this.#at + 200));
    if (match === null) throw new Error(`no name at ${this.#at}`);
    this.#at += match[0].length;
    return match[0];
  }

  #space(): void {
    while (/^[ \t\r\n]$/.test(this.#text[this.#at] ?? "")) this.#at += 1;
  }

  #inlineSpace(): void {
    while (/^[ \t]$/.test(this.#text[this.#at] ?? "")) this.#at += 1;
  }
}

function terminal(codePoint: number): Symbol {
  return { kind: "terminal", ranges: [[codePoint, codePoint]], negative: false };
}

/** A small seeded generator (mulberry32), so that a failing walk can be repeated. */
export function seededSampler(seed: number): Sampler {
  let state = seed >>> 0;
  return {
    random: () => {
      state = (state + 0x6d2b79f5) >>> 0;
      let mixed = Math.imul(state ^ (state >>> 15), state | 1);
      mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)) ^ mixed;
      return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
    },
  };
}
