// CLIP's tokenizer, which every Stable Diffusion uses. It needs vocabulary and merges only, as most model folders ship nothing else.
// Reference: huggingface/transformers' CLIPTokenizerFast, i.e. NFC, one space for any whitespace, lower case, then the pattern below
// and byte-pair encoding. Unlike the original Python it neither repairs broken encodings (ftfy) nor unescapes HTML.
//
// @huggingface/tokenizers splits and merges. It comes with transformers.js, whose own classes add nothing here: loading them would cost
// every runner of an image model 120 ms and 15 MB. The text is normalised before the library sees it, as the library's lower case
// makes a word's last sigma a final one and its whitespace is JavaScript's, with U+FEFF and without U+0085.
import { Tokenizer } from "@huggingface/tokenizers";

export interface ClipTokenizerDefinition {
  /** Symbol to id. */
  readonly vocabulary: Readonly<Record<string, number>>;
  /** Pairs of symbols to merge, in order of priority. */
  readonly merges: readonly (readonly [left: string, right: string])[];
  readonly special: ClipSpecialTokens;
  /** Ids of the tokens that are matched literally in the text, special ones included. */
  readonly addedTokens: ReadonlyMap<string, number>;
}

export interface ClipSpecialTokens {
  readonly bos: string;
  readonly eos: string;
  /** `<|endoftext|>` for Stable Diffusion 1 and SDXL's first tokenizer, `!` for Stable Diffusion 2 and SDXL's second. */
  readonly pad: string;
  readonly unknown: string;
}

export interface EncodedPrompt {
  /** One chunk at least, each of `contextLength` ids: bos, the text's ids, eos, padding. */
  readonly chunks: readonly (readonly number[])[];
  /** Ids of the text over all chunks, without bos, eos and padding. */
  readonly tokenCount: number;
}

export interface ClipTokenizer {
  readonly bosId: number;
  readonly eosId: number;
  readonly padId: number;
  /** The ids of a text, without bos and eos. Never throws, whatever the text. */
  encode(text: string): number[];
  /**
   * Cuts a prompt of any length into chunks for the text encoder.
   * @param contextLength ids per chunk, the two frame tokens included
   */
  encodePrompt(text: string, contextLength?: number): EncodedPrompt;
  /** A chunk without text, to make prompt and negative prompt equally long. */
  emptyChunk(contextLength?: number): readonly number[];
}

/** The tokenizer's files cannot be used; the message says what was expected. */
export class ClipTokenizerError extends Error {
  override readonly name = "ClipTokenizerError";
}

const defaultContextLength = 77;

/** Contractions, runs of letters, single digits, runs of anything else; after normalisation a space is the only whitespace. */
const wordPattern = String.raw`'s|'t|'re|'ve|'m|'ll|'d|\p{L}+|\p{N}|[^ \p{L}\p{N}]+`;
const whitespace = /\p{White_Space}+/gu;

/** @throws ClipTokenizerError where the special tokens are not in the vocabulary */
export function createClipTokenizer(definition: ClipTokenizerDefinition): ClipTokenizer {
  const { special } = definition;
  const bosId = idOf(definition, special.bos);
  const eosId = idOf(definition, special.eos);
  const padId = idOf(definition, special.pad);
  const library = createLibraryTokenizer(definition);

  function encode(text: string): number[] {
    return library.encode(normalizeText(text), { add_special_tokens: false }).ids;
  }

  function frame(ids: readonly number[], contextLength: number): number[] {
    const padding = Array.from({ length: contextLength - 2 - ids.length }, () => padId);
    return [bosId, ...ids, eosId, ...padding];
  }

  function encodePrompt(text: string, contextLength = defaultContextLength): EncodedPrompt {
    const room = contextLength - 2;
    if (!Number.isInteger(room) || room < 1) {
      throw new RangeError(`contextLength must be at least 3; got ${contextLength}`);
    }
    const ids = encode(text);
    const count = Math.max(1, Math.ceil(ids.length / room));
    const chunks = Array.from({ length: count }, (_, i) => frame(ids.slice(i * room, (i + 1) * room), contextLength));
    return { chunks, tokenCount: ids.length };
  }

  const emptyChunk = (contextLength = defaultContextLength): readonly number[] => frame([], contextLength);

  return { bosId, eosId, padId, encode, encodePrompt, emptyChunk };
}

/** NFC, one space for any whitespace, lower case; a capital sigma never becomes a final one. */
function normalizeText(text: string): string {
  return text.normalize("NFC").replace(whitespace, " ").replaceAll("Σ", "σ").toLowerCase();
}

/** The reference's tokenizer of a vocabulary and merges, without normalisation and framing, which are done here. */
function createLibraryTokenizer(definition: ClipTokenizerDefinition): Tokenizer {
  const { vocabulary, merges, special, addedTokens } = definition;
  const added = [...addedTokens].map(([content, id]) => ({ id, content, special: true, normalized: false }));
  return new Tokenizer(
    {
      added_tokens: added,
      normalizer: null,
      pre_tokenizer: {
        type: "Sequence",
        pretokenizers: [
          { type: "Split", pattern: { Regex: wordPattern }, behavior: "Removed", invert: true },
          { type: "ByteLevel", add_prefix_space: false, trim_offsets: true, use_regex: false },
        ],
      },
      post_processor: null,
      decoder: null,
      model: { type: "BPE", vocab: vocabulary, merges, unk_token: special.unknown, end_of_word_suffix: "</w>" },
    },
    {},
  );
}

function idOf({ addedTokens }: ClipTokenizerDefinition, token: string): number {
  const id = addedTokens.get(token);
  if (id === undefined) throw new ClipTokenizerError(`${JSON.stringify(token)} is none of the added tokens`);
  return id;
}
