// CLIP's tokenizer: the text side of every Stable Diffusion. Works from vocabulary and merges alone, as most model folders ship nothing
// else. Reference: the fast CLIPTokenizer of huggingface/transformers, i.e. NFC, one space for any whitespace, lower case, then the
// pattern below. Two differences to the original Python: no repair of broken encodings (ftfy) and no HTML unescaping.
import { createWordSplitter, textOfSymbols, type MergeTable } from "./clip-tokenizer-bpe.ts";

export interface ClipTokenizerDefinition {
  /** Symbol to id. */
  readonly vocabulary: ReadonlyMap<string, number>;
  readonly merges: MergeTable;
  readonly special: ClipSpecialTokens;
  /** Tokens that are found literally in the text, special ones among them. */
  readonly addedTokens: readonly string[];
}

export interface ClipSpecialTokens {
  readonly bos: string;
  readonly eos: string;
  /** `<|endoftext|>` for Stable Diffusion 1 and SDXL's first tokenizer, `!` for Stable Diffusion 2 and SDXL's second. */
  readonly pad: string;
  readonly unknown: string;
}

export interface PromptOptions {
  /** Ids per chunk, the two frame tokens included. @default 77 */
  readonly contextLength?: number;
  /** Adds empty chunks up to this number, so that prompt and negative prompt have the same length. @default 1 */
  readonly minimumChunks?: number;
}

export interface EncodedPrompt {
  /** Each of `contextLength` ids: bos, the text's ids, eos, padding. At least one, as an empty prompt is a prompt. */
  readonly chunks: readonly (readonly number[])[];
  /** Ids of the text alone, over all chunks: what usage counts. */
  readonly tokenCount: number;
}

export interface ClipTokenizer {
  readonly bosId: number;
  readonly eosId: number;
  readonly padId: number;
  /** The ids of a text, without bos and eos. Never throws, whatever the text. */
  encode(text: string): number[];
  /** Text of ids, words apart by one space; bos, eos and padding are left out. Unknown ids are skipped. */
  decode(ids: readonly number[]): string;
  /** A prompt of any length, cut into chunks that a text encoder takes one by one. */
  encodePrompt(text: string, options?: PromptOptions): EncodedPrompt;
}

/** A vocabulary or a file of it that cannot be used; the message says what was expected. */
export class ClipTokenizerError extends Error {
  override readonly name = "ClipTokenizerError";
}

const defaultContextLength = 77;

// Contractions, runs of letters, single digits, runs of anything else. Whitespace in the sense of Unicode, which JavaScript's \s is not.
const wordPattern = /'s|'t|'re|'ve|'m|'ll|'d|\p{L}+|\p{N}|[^\p{White_Space}\p{L}\p{N}]+/gu;
const whitespace = /\p{White_Space}+/gu;

/** @throws ClipTokenizerError where the special tokens are not in the vocabulary */
export function createClipTokenizer(definition: ClipTokenizerDefinition): ClipTokenizer {
  const { vocabulary, merges, special } = definition;
  const splitWord = createWordSplitter(merges);
  const bosId = idOf(definition, special.bos);
  const eosId = idOf(definition, special.eos);
  const padId = idOf(definition, special.pad);
  const unknownId = idOf(definition, special.unknown);
  const addedIds = new Map(definition.addedTokens.map((token) => [token, idOf(definition, token)]));
  const addedPattern = createAddedPattern(definition.addedTokens);
  const symbols = new Map([...vocabulary].map(([symbol, id]) => [id, symbol]));
  const frameIds = new Set([bosId, eosId, padId]);

  function encode(text: string): number[] {
    const ids: number[] = [];
    for (const piece of normalizeClipText(text).split(addedPattern)) {
      const addedId = addedIds.get(piece);
      if (addedId !== undefined) {
        ids.push(addedId);
        continue;
      }
      for (const [word] of piece.matchAll(wordPattern)) {
        for (const symbol of splitWord(word)) {
          ids.push(vocabulary.get(symbol) ?? unknownId);
        }
      }
    }
    return ids;
  }

  function decode(ids: readonly number[]): string {
    const known = ids.filter((id) => !frameIds.has(id)).map((id) => symbols.get(id) ?? "");
    return textOfSymbols(known).trimEnd();
  }

  function encodePrompt(text: string, options: PromptOptions = {}): EncodedPrompt {
    const { contextLength = defaultContextLength, minimumChunks = 1 } = options;
    const room = contextLength - 2;
    if (!Number.isInteger(room) || room < 1) {
      throw new RangeError(`contextLength must be at least 3; got ${contextLength}`);
    }
    const ids = encode(text);
    const count = Math.max(1, minimumChunks, Math.ceil(ids.length / room));
    const chunks = Array.from({ length: count }, (_, i) => {
      const part = ids.slice(i * room, (i + 1) * room);
      const padding = Array.from({ length: room - part.length }, () => padId);
      return [bosId, ...part, eosId, ...padding];
    });
    return { chunks, tokenCount: ids.length };
  }

  return { bosId, eosId, padId, encode, decode, encodePrompt };
}

/** The text as the tokenizer sees it: composed (NFC), any whitespace one space, lower case. */
export function normalizeClipText(text: string): string {
  // The reference lowers character by character; JavaScript would make a word's last sigma a final one.
  return text.normalize("NFC").replace(whitespace, " ").replaceAll("Σ", "σ").toLowerCase();
}

function idOf({ vocabulary }: ClipTokenizerDefinition, token: string): number {
  const id = vocabulary.get(token);
  if (id === undefined) {
    throw new ClipTokenizerError(`the tokenizer's vocabulary has no ${JSON.stringify(token)}`);
  }
  return id;
}

/** Splits at added tokens and keeps them; longer ones are tried first. */
function createAddedPattern(tokens: readonly string[]): RegExp {
  const longestFirst = [...new Set(tokens)].sort((a, b) => b.length - a.length);
  const escaped = longestFirst.map((token) => token.replace(/[\\^$.*+?()[\]{}|]/g, String.raw`\$&`));
  return escaped.length === 0 ? /(?!)/u : new RegExp(`(${escaped.join("|")})`, "u");
}
