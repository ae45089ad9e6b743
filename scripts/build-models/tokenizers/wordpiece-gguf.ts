// Converts a WordPiece tokenizer.json to llama.cpp's vocabulary `bert`. That marks the first piece of a word (by a "phantom space"), where
// Hugging Face marks the pieces that continue it: `play`, `##ing` become `▁play`, `ing`.

export interface WordPieceTokenizer {
  /** In llama.cpp's spelling, by id. */
  readonly tokens: readonly string[];
  /** 1 ordinary, 3 control, 5 an id that no token has; one for each token. */
  readonly types: readonly number[];
  readonly special: Readonly<Record<"cls" | "separator" | "padding" | "unknown" | "mask", number>>;
  readonly lowercase: boolean;
  readonly stripAccents: boolean;
}

interface TokenizerJson {
  readonly model: {
    readonly type: string;
    readonly vocab: Readonly<Record<string, number>>;
    readonly continuing_subword_prefix: string;
  };
  readonly added_tokens: readonly { readonly content: string; readonly special: boolean }[];
  readonly normalizer: { readonly lowercase: boolean; readonly strip_accents: boolean | null };
}

/** @throws RangeError for a tokenizer that is no WordPiece, or lacks one of BERT's five special tokens. */
export function toGgufWordPiece(tokenizerJson: string): WordPieceTokenizer {
  const { model, added_tokens, normalizer } = JSON.parse(tokenizerJson) as TokenizerJson;
  if (model.type !== "WordPiece") throw new RangeError(`a ${model.type} tokenizer is no WordPiece`);
  const control = new Set(added_tokens.filter(({ special }) => special).map(({ content }) => content));
  const size = Math.max(...Object.values(model.vocab)) + 1;
  const tokens = Array.from({ length: size }, (_, id) => `[PAD${id}]`);
  const types = tokens.map(() => 5);
  const prefix = model.continuing_subword_prefix;
  for (const [token, id] of Object.entries(model.vocab)) {
    if (control.has(token)) tokens[id] = token;
    else tokens[id] = token.startsWith(prefix) ? token.slice(prefix.length) : `▁${token}`;
    types[id] = control.has(token) ? 3 : 1;
  }
  const idOf = (token: string): number => {
    const id = model.vocab[token];
    if (id === undefined) throw new RangeError(`the vocabulary has no ${token}`);
    return id;
  };
  return {
    tokens,
    types,
    special: {
      cls: idOf("[CLS]"),
      separator: idOf("[SEP]"),
      padding: idOf("[PAD]"),
      unknown: idOf("[UNK]"),
      mask: idOf("[MASK]"),
    },
    lowercase: normalizer.lowercase,
    stripAccents: normalizer.strip_accents ?? normalizer.lowercase,
  };
}
