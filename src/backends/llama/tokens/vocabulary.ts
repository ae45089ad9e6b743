// The model's tokens as bytes and text. llama.cpp gives text only, in which half a code point is already lost, so the
// bytes are derived from the vocabulary's own spelling the way `llama_vocab::token_to_piece` does it.
import type { NativeModelHandle } from "../native/model.ts";

/** Bits of `llama_token_attr`. */
const attribute = {
  unknown: 1,
  normal: 4,
  control: 8,
  userDefined: 16,
  byte: 32,
  stripsLeft: 128,
  stripsRight: 256,
};

/** Values of `llama_vocab_type`. */
const vocabularyType = { sentencePiece: 1, bytePair: 2, wordPiece: 3, unigram: 4, rwkv: 5, plamo2: 6 };

/** Byte-pair vocabularies that spell text as it is, with `▁` for the space, rather than byte by byte. */
const bytePairWithSpaceMarks: ReadonlySet<string> = new Set(["gemma4", "granite-embed-multi-311m", "sarvam-moe"]);

export interface TokenPiece {
  readonly bytes: Uint8Array;
  /** The bytes as text; `undefined` when they are not whole code points by themselves. */
  readonly text: string | undefined;
  /** A token that no text can produce, such as `<|im_end|>`. */
  readonly isControl: boolean;
}

/** A token that stands for markup rather than for text of its own. */
export interface SpecialToken {
  readonly id: number;
  readonly text: string;
  /** False for user-defined tokens, which the tokenizer finds in any text. */
  readonly isControl: boolean;
  /** The tokenizer drops white space to this side of it. */
  readonly stripsLeft: boolean;
  readonly stripsRight: boolean;
}

const strictDecoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const encoder = new TextEncoder();

/** Tokeniser and token table of one model; pieces are made when first asked for, and kept. */
export class Vocabulary {
  readonly #model: NativeModelHandle;
  readonly #type: number;
  readonly #spaceMarks: boolean;
  readonly #separator: number | undefined;
  readonly #pieces: (TokenPiece | undefined)[] = [];
  readonly #ends = new Map<number, boolean>();
  /** Ordinary tokens of a single byte, as far as {@link byteToken} has looked. */
  readonly #byteTokens = new Map<number, number>();
  #searchedTokens = 0;
  readonly size: number;
  readonly bos: number | undefined;
  readonly eos: number | undefined;
  /** Fill-in-the-middle tokens; `undefined` where the model has not all of them. */
  readonly fillInTheMiddle: { readonly prefix: number; readonly suffix: number; readonly middle: number } | undefined;

  /** `size` = number of tokens; `preTokenizer` = `tokenizer.ggml.pre` of the file. */
  constructor(native: NativeModelHandle, { size, preTokenizer }: { size: number; preTokenizer: string | undefined }) {
    this.#model = native;
    this.#type = native.vocabularyType;
    this.#spaceMarks = this.#type !== vocabularyType.bytePair || bytePairWithSpaceMarks.has(preTokenizer ?? "");
    this.size = size;
    const special = native.specialTokens;
    this.bos = special.bos;
    this.eos = special.eos;
    this.#separator = special.separator;
    const { fimPrefix: prefix, fimSuffix: suffix, fimMiddle: middle } = special;
    this.fillInTheMiddle =
      prefix === undefined || suffix === undefined || middle === undefined ? undefined : { prefix, suffix, middle };
  }

  get prependsBos(): boolean {
    return this.#model.prependsBos && this.bos !== undefined;
  }

  /** Token ids before and after a text that is embedded, as `llama_tokenize` adds them; BERT has [CLS] and [SEP]. */
  get frame(): { readonly start: readonly number[]; readonly end: readonly number[] } {
    const isWordPiece = this.#type === vocabularyType.wordPiece;
    const start = isWordPiece || this.#model.prependsBos ? this.bos : undefined;
    const end = isWordPiece ? this.#separator : this.#model.appendsEos ? this.eos : undefined;
    return { start: start === undefined ? [] : [start], end: end === undefined ? [] : [end] };
  }

  /** Without BOS. With `parseSpecial` the text of a control token becomes that token. */
  tokenize(text: string, { parseSpecial }: { parseSpecial: boolean }): number[] {
    return text === "" ? [] : Array.from(this.#model.tokenize(text, parseSpecial));
  }

  /**
   * True where the tokenizer puts a space before every text, as SentencePiece does, so that a text in two pieces would have one more
   * than the whole.
   */
  get putsSpaceFirst(): boolean {
    return this.#type === vocabularyType.sentencePiece;
  }

  /** True where a word with the space before it has the same tokens alone as behind another word; else texts cannot be cut. */
  get joinsAtSpaces(): boolean {
    if (this.putsSpaceFirst) return true;
    const apart = [...this.tokenize("x", { parseSpecial: false }), ...this.tokenize(" y", { parseSpecial: false })];
    const whole = this.tokenize("x y", { parseSpecial: false });
    return apart.length === whole.length && apart.every((token, index) => token === whole[index]);
  }

  /** True where the tokenizer takes the beginning of every text for that of a word, as unigram models do: texts may be cut there only. */
  get beginsWithWord(): boolean {
    return this.#type === vocabularyType.unigram;
  }

  /** True where every byte of a text is in one of its tokens; other tokenizers drop white space or make one token of unknown words. */
  get keepsAllText(): boolean {
    return this.#type !== vocabularyType.wordPiece && this.#type !== vocabularyType.unigram;
  }

  isEndOfGeneration(token: number): boolean {
    let answer = this.#ends.get(token);
    if (answer === undefined) {
      answer = this.#model.isEndOfGeneration(token);
      this.#ends.set(token, answer);
    }
    return answer;
  }

  /** Control, unknown and user-defined tokens. Reads the whole vocabulary: to be called once. */
  specialTokens(): SpecialToken[] {
    const special: SpecialToken[] = [];
    for (let id = 0; id < this.size; id += 1) {
      const attributes = this.#model.tokenAttributes(id);
      const isControl = (attributes & (attribute.control | attribute.unknown)) !== 0;
      if (!isControl && (attributes & attribute.userDefined) === 0) continue;
      const stripsLeft = (attributes & attribute.stripsLeft) !== 0;
      const stripsRight = (attributes & attribute.stripsRight) !== 0;
      special.push({ id, text: this.#model.tokenSpelling(id), isControl, stripsLeft, stripsRight });
    }
    return special;
  }

  piece(token: number): TokenPiece {
    return (this.#pieces[token] ??= this.#createPiece(token));
  }

  /** An ordinary token of just this byte. The vocabulary is read up to the first one; most have them all at the beginning. */
  byteToken(byte: number): number | undefined {
    for (; !this.#byteTokens.has(byte) && this.#searchedTokens < this.size; this.#searchedTokens += 1) {
      const token = this.#searchedTokens;
      const bytes = this.bytes(token);
      const [only] = bytes;
      if (bytes.length !== 1 || only === undefined || this.#byteTokens.has(only)) continue;
      if ((this.#model.tokenAttributes(token) & (attribute.control | attribute.unknown)) === 0) {
        this.#byteTokens.set(only, token);
      }
    }
    return this.#byteTokens.get(byte);
  }

  /** The token's text in UTF-8. Unlike {@link piece} it keeps nothing, for a pass over all tokens. */
  bytes(token: number): Uint8Array {
    return this.#bytes(this.#model.tokenSpelling(token), this.#model.tokenAttributes(token));
  }

  #createPiece(token: number): TokenPiece {
    const bytes = this.bytes(token);
    const attributes = this.#model.tokenAttributes(token);
    return {
      bytes,
      text: wholeText(bytes),
      isControl: (attributes & (attribute.control | attribute.unknown)) !== 0,
    };
  }

  #bytes(spelling: string, attributes: number): Uint8Array {
    if (this.#type === vocabularyType.rwkv) return unescapeRwkv(spelling);
    if (attributes & (attribute.control | attribute.unknown | attribute.userDefined)) return encoder.encode(spelling);
    if (attributes & attribute.byte) return byteToken(spelling) ?? encoder.encode(spelling);
    if (this.#type === vocabularyType.plamo2) return encoder.encode(spelling);
    return this.#spaceMarks ? encoder.encode(spelling.replaceAll("▁", " ")) : byteLevelBytes(spelling);
  }
}

function wholeText(bytes: Uint8Array): string | undefined {
  try {
    return strictDecoder.decode(bytes);
  } catch {
    return undefined;
  }
}

/** `<0x0A>` is byte 10. */
function byteToken(spelling: string): Uint8Array | undefined {
  const match = /^<0x([0-9A-Fa-f]{2})>$/.exec(spelling);
  return match === null ? undefined : Uint8Array.of(Number.parseInt(match[1] as string, 16));
}

/**
 * GPT-2's spelling of bytes: printable Latin-1 characters stand for themselves, the other 68 bytes for U+0100 and up in order.
 * Source: `bytes_to_unicode` in openai/gpt-2, encoder.py.
 */
const byteOfCharacter: ReadonlyMap<string, number> = (() => {
  const table = new Map<string, number>();
  let next = 0x100;
  for (let byte = 0; byte < 256; byte += 1) {
    const printable =
      (byte >= 0x21 && byte <= 0x7e) || (byte >= 0xa1 && byte <= 0xac) || (byte >= 0xae && byte <= 0xff);
    table.set(String.fromCodePoint(printable ? byte : next), byte);
    if (!printable) next += 1;
  }
  return table;
})();

function byteLevelBytes(spelling: string): Uint8Array {
  const bytes: number[] = [];
  for (const character of spelling) {
    const byte = byteOfCharacter.get(character);
    if (byte === undefined) bytes.push(...encoder.encode(character));
    else bytes.push(byte);
  }
  return Uint8Array.from(bytes);
}

const rwkvEscapes: Readonly<Record<string, number>> = { t: 9, n: 10, r: 13 };

/** RWKV's vocabulary escapes `\t`, `\n`, `\r`, `\xHH`; any other escaped character stands for itself. */
function unescapeRwkv(spelling: string): Uint8Array {
  const bytes: number[] = [];
  for (let index = 0; index < spelling.length;) {
    const rest = spelling.slice(index);
    const hexadecimal = /^\\x([0-9A-Fa-f]{2})/.exec(rest);
    if (hexadecimal !== null) {
      bytes.push(Number.parseInt(hexadecimal[1] as string, 16));
      index += 4;
    } else if (rest.startsWith("\\") && rest.length > 1) {
      const escaped = rest[1] as string;
      bytes.push(...(rwkvEscapes[escaped] === undefined ? encoder.encode(escaped) : [rwkvEscapes[escaped]]));
      index += 2;
    } else {
      const character = String.fromCodePoint(rest.codePointAt(0) as number);
      bytes.push(...encoder.encode(character));
      index += character.length;
    }
  }
  return Uint8Array.from(bytes);
}
