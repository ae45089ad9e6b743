// Makes a SentencePiece-like BPE vocabulary with byte fallback, as Llama 2 has: <unk>, <s>, </s>, the 256 bytes, then pieces.

import { type LlamaTokenizer } from "../shapes/llama.ts";
import { countItems, learnMerges } from "./pair-merging.ts";

const wordStart = "▁";
const specials = ["<unk>", "<s>", "</s>"] as const;
const types = { ordinary: 1, unknown: 2, control: 3, byte: 6 } as const;

/** Every character of the corpus is a piece, merges fill up to `size` tokens, and bytes stand for everything else. */
export function sentencePieceTokenizer(corpus: string, size: number): LlamaTokenizer {
  const words = countItems(corpus.replaceAll(" ", ` ${wordStart}`).split(" ")).map(([word, count]) => ({
    symbols: Array.from(word),
    count,
  }));
  const characters = [...new Set([wordStart, ...words.flatMap(({ symbols }) => symbols)])].toSorted();
  const bytes = Array.from({ length: 256 }, (_, byte) => `<0x${byte.toString(16).toUpperCase().padStart(2, "0")}>`);
  const room = size - specials.length - bytes.length - characters.length;
  const learned = learnMerges(words, { merges: room });
  const merged = [...new Set(learned.map((merge) => merge.merged))];
  if (merged.length !== room) throw new RangeError(`the corpus gives ${merged.length} of ${room} pieces`);
  const pieces = [...merged, ...characters];
  return {
    model: "llama",
    tokens: [...specials, ...bytes, ...pieces],
    merges: [],
    // The tokenizer joins the neighbours whose piece has the highest score: merges in the order in which they were learned.
    scores: [...specials.map(() => 0), ...bytes.map(() => 0), ...pieces.map((_, index) => -index)],
    types: [
      types.unknown,
      types.control,
      types.control,
      ...bytes.map(() => types.byte),
      ...pieces.map(() => types.ordinary),
    ],
    preTokenizer: "default",
    endOfSequence: "</s>",
    special: { "tokenizer.ggml.bos_token_id": "<s>", "tokenizer.ggml.unknown_token_id": "<unk>" },
  };
}
