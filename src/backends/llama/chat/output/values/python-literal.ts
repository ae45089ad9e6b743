// Turns Python literals into JSON.

/** The JSON text of a Python literal; text that is no literal becomes a JSON string. Never throws. */
export function pythonToJson(source: string): string {
  const reader = new LiteralReader(source.trim());
  const json = reader.value();
  return json !== undefined && reader.atEnd ? json : JSON.stringify(source.trim());
}

const CONSTANTS: Readonly<Record<string, string>> = {
  True: "true",
  False: "false",
  None: "null",
  true: "true",
  false: "false",
  null: "null",
};
const ESCAPES: Readonly<Record<string, string>> = {
  n: "\n",
  t: "\t",
  r: "\r",
  b: "\b",
  f: "\f",
  v: "\v",
  0: "\0",
  a: "\x07",
};
const MAX_DEPTH = 200;

class LiteralReader {
  readonly #source: string;
  #position = 0;
  #depth = 0;

  constructor(source: string) {
    this.#source = source;
  }

  get atEnd(): boolean {
    this.#space();
    return this.#position >= this.#source.length;
  }

  /** The JSON text of the literal at the position; `undefined` where there is none. */
  value(): string | undefined {
    this.#space();
    const character = this.#source.charAt(this.#position);
    if (character === '"' || character === "'") return this.#string(character);
    if (character === "[") return this.#sequence("]");
    if (character === "(") return this.#sequence(")");
    if (character === "{") return this.#mapping();
    const [word] = /^[A-Za-z]+/.exec(this.#source.slice(this.#position)) ?? [];
    if (word !== undefined) {
      this.#position += word.length;
      return CONSTANTS[word];
    }
    return this.#number();
  }

  #number(): string | undefined {
    const [text] = /^[-+]?(?:\d[\d_]*)?(?:\.\d*)?(?:[eE][-+]?\d+)?/.exec(this.#source.slice(this.#position)) ?? [];
    if (text === undefined || !/\d/.test(text)) return undefined;
    this.#position += text.length;
    const plain = text.replaceAll("_", "").replace(/^\+/, "");
    // Digits are kept as they are written, so that long integers stay exact.
    if (/^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][-+]?\d+)?$/.test(plain)) return plain;
    const value = Number(plain);
    return Number.isFinite(value) ? JSON.stringify(value) : undefined;
  }

  #string(quote: string): string | undefined {
    let text = "";
    for (let index = this.#position + 1; index < this.#source.length; index += 1) {
      const character = this.#source.charAt(index);
      if (character === quote) {
        this.#position = index + 1;
        return JSON.stringify(text);
      }
      if (character !== "\\") {
        text += character;
        continue;
      }
      const [escape = ""] = /^\\(?:u[0-9a-fA-F]{4}|x[0-9a-fA-F]{2}|[^])/.exec(this.#source.slice(index)) ?? [];
      text += unescape(escape);
      index += Math.max(escape.length, 1) - 1;
    }
    return undefined;
  }

  #sequence(end: string): string | undefined {
    const items = this.#items(end, () => this.value());
    return items === undefined ? undefined : `[${items.join(", ")}]`;
  }

  #mapping(): string | undefined {
    const items = this.#items("}", () => {
      const key = this.value();
      this.#space();
      if (key === undefined || this.#source.charAt(this.#position) !== ":") return undefined;
      this.#position += 1;
      const value = this.value();
      return value === undefined ? undefined : `${key.startsWith('"') ? key : JSON.stringify(key)}: ${value}`;
    });
    return items === undefined ? undefined : `{${items.join(", ")}}`;
  }

  #items(end: string, read: () => string | undefined): string[] | undefined {
    this.#depth += 1;
    if (this.#depth > MAX_DEPTH) return undefined;
    this.#position += 1;
    const items: string[] = [];
    for (;;) {
      this.#space();
      if (this.#source.charAt(this.#position) === end) {
        this.#position += 1;
        this.#depth -= 1;
        return items;
      }
      const item = read();
      if (item === undefined) return undefined;
      items.push(item);
      this.#space();
      const next = this.#source.charAt(this.#position);
      if (next === ",") this.#position += 1;
      else if (next !== end) return undefined;
    }
  }

  #space(): void {
    this.#position += /^\s*/.exec(this.#source.slice(this.#position))?.[0].length ?? 0;
  }
}

function unescape(escape: string): string {
  const kind = escape.charAt(1);
  if ((kind === "u" || kind === "x") && escape.length > 2)
    return String.fromCharCode(Number.parseInt(escape.slice(2), 16));
  return ESCAPES[kind] ?? (kind === "\n" ? "" : /["'\\]/.test(kind) ? kind : escape);
}
