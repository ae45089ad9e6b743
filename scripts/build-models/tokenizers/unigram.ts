// Makes a SentencePiece-like unigram tokenizer with XLM-RoBERTa's special tokens, for fixtures of that family.

import { countItems } from "./pair-merging.ts";

const special = ["<s>", "<pad>", "</s>", "<unk>"] as const;
const wordStart = "▁";

/** Files of the tokenizer by name; the vocabulary is the corpus's words and their letters. */
export function unigramFiles(corpus: string, maximumTokens: number): Map<string, string> {
  const words = countItems(corpus.match(/[\p{L}\p{N}]+/gu) ?? []);
  const total = words.reduce((sum, [, count]) => sum + count, 0);
  const letters = [...new Set([...corpus].filter((character) => /\S/u.test(character)))].sort();
  const scores = new Map<string, number>();
  for (const [word, count] of words) scores.set(wordStart + word, Number(Math.log(count / total).toFixed(4)));
  for (const letter of [wordStart, ...letters]) if (!scores.has(letter)) scores.set(letter, -12);
  const vocab: [string, number][] = [...special.map((token): [string, number] => [token, 0]), ...scores, ["<mask>", 0]];
  const added = (content: string, id: number): object => ({
    id,
    content,
    single_word: false,
    lstrip: content === "<mask>",
    rstrip: false,
    normalized: false,
    special: true,
  });
  const token = (id: string): object => ({ SpecialToken: { id, type_id: 0 } });
  const sequence = (id: string): object => ({ Sequence: { id, type_id: 0 } });
  const tokenizer = {
    version: "1.0",
    truncation: null,
    padding: null,
    added_tokens: [...special.map(added), added("<mask>", vocab.length - 1)],
    normalizer: { type: "NFKC" },
    pre_tokenizer: { type: "Metaspace", replacement: wordStart, add_prefix_space: true, prepend_scheme: "always" },
    post_processor: {
      type: "TemplateProcessing",
      single: [token("<s>"), sequence("A"), token("</s>")],
      pair: [token("<s>"), sequence("A"), token("</s>"), token("</s>"), sequence("B"), token("</s>")],
      special_tokens: {
        "<s>": { id: "<s>", ids: [0], tokens: ["<s>"] },
        "</s>": { id: "</s>", ids: [2], tokens: ["</s>"] },
      },
    },
    decoder: { type: "Metaspace", replacement: wordStart, add_prefix_space: true, prepend_scheme: "always" },
    model: { type: "Unigram", unk_id: 3, vocab, byte_fallback: false },
  };
  const names = {
    bos_token: "<s>",
    eos_token: "</s>",
    sep_token: "</s>",
    cls_token: "<s>",
    unk_token: "<unk>",
    pad_token: "<pad>",
    mask_token: "<mask>",
  };
  const config = {
    ...names,
    clean_up_tokenization_spaces: true,
    model_max_length: maximumTokens,
    tokenizer_class: "XLMRobertaTokenizer",
  };
  return new Map([
    ["tokenizer.json", `${JSON.stringify(tokenizer)}\n`],
    ["tokenizer_config.json", `${JSON.stringify(config, null, 2)}\n`],
    ["special_tokens_map.json", `${JSON.stringify(names, null, 2)}\n`],
  ]);
}

/** How many tokens `unigramFiles` makes of a corpus. */
export function vocabularySizeOf(files: ReadonlyMap<string, string>): number {
  const tokenizer = JSON.parse(files.get("tokenizer.json") ?? "{}") as {
    model: { vocab: unknown[] | Record<string, number> };
  };
  const { vocab } = tokenizer.model;
  return Array.isArray(vocab) ? vocab.length : Object.keys(vocab).length;
}
