// A Unigram tokenizer in the form of XLM-RoBERTa and multilingual e5, small enough to work out by hand.

const special = ["<s>", "<pad>", "</s>", "<unk>"];

/** Pieces with their log-probabilities: the best split is the one with the highest sum (Kudo, "Subword Regularization", 2018). */
const pieces: readonly (readonly [string, number])[] = [
  ["▁", -4],
  ["▁query", -6],
  ["▁passage", -6],
  [":", -3],
  ["▁hello", -7],
  ["▁world", -7],
  ["▁he", -5],
  ["llo", -5.5],
  ["▁caf", -7],
  ["é", -5],
  ["▁日本", -8],
  ["日", -6],
  ["本", -6],
  ["語", -6],
  ["s", -2],
  ["ing", -4],
  ["▁a", -2],
  ["b", -3],
  ["c", -3],
];

/** Files by name. Ids: specials 0 to 3, then the pieces in order, `<mask>` last. */
export function unigramTokenizer(): Map<string, string> {
  const vocabulary = [...special.map((token) => [token, 0] as const), ...pieces];
  const added = [...special, "<mask>"].map((content, index) => ({
    id: content === "<mask>" ? vocabulary.length : index,
    content,
    single_word: false,
    lstrip: content === "<mask>",
    rstrip: false,
    normalized: false,
    special: true,
  }));
  const sequence = (id: "A" | "B") => ({ Sequence: { id, type_id: 0 } });
  const token = (id: string) => ({ SpecialToken: { id, type_id: 0 } });
  const tokenizer = {
    version: "1.0",
    truncation: null,
    padding: null,
    added_tokens: added,
    normalizer: {
      type: "Sequence",
      normalizers: [
        { type: "Precompiled", precompiled_charsmap: "" },
        { type: "Replace", pattern: { Regex: " {2,}" }, content: " " },
      ],
    },
    pre_tokenizer: { type: "Metaspace", replacement: "▁", prepend_scheme: "always", split: true },
    post_processor: {
      type: "TemplateProcessing",
      single: [token("<s>"), sequence("A"), token("</s>")],
      pair: [token("<s>"), sequence("A"), token("</s>"), token("</s>"), sequence("B"), token("</s>")],
      special_tokens: Object.fromEntries(
        ["<s>", "</s>"].map((id) => [id, { id, ids: [special.indexOf(id)], tokens: [id] }]),
      ),
    },
    decoder: { type: "Metaspace", replacement: "▁", prepend_scheme: "always", split: true },
    model: { type: "Unigram", unk_id: 3, vocab: [...vocabulary, ["<mask>", 0]], byte_fallback: false },
  };
  const configuration = {
    tokenizer_class: "XLMRobertaTokenizer",
    bos_token: "<s>",
    cls_token: "<s>",
    eos_token: "</s>",
    sep_token: "</s>",
    pad_token: "<pad>",
    unk_token: "<unk>",
    mask_token: "<mask>",
    model_max_length: 512,
  };
  return new Map([
    ["tokenizer.json", JSON.stringify(tokenizer)],
    ["tokenizer_config.json", JSON.stringify(configuration)],
  ]);
}

/** Id of a piece. */
export function unigramId(piece: string): number {
  const index = [...special, ...pieces.map(([text]) => text)].indexOf(piece);
  if (index < 0) throw new Error(`There is no piece '${piece}'.`);
  return index;
}
