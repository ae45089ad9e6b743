// What is used of @huggingface/tokenizers. Its own types name their files without endings, which TypeScript does not resolve as Node does,
// so that all it exports beyond the first few names would be missing.
import * as tokenizers from "@huggingface/tokenizers";

/** The algorithm of WordPiece, BPE or Unigram. */
export interface LibraryModel {
  /** Tokens by id. */
  readonly vocab: readonly string[];
  readonly tokens_to_ids: ReadonlyMap<string, number>;
  readonly unk_token_id?: number;
  /** The tokens of pieces; unknown characters that follow one another are joined. */
  _call(pieces: readonly string[]): string[];
}

interface Library {
  readonly WordPiece: new (config: object) => LibraryModel;
  readonly BPE: new (config: object) => LibraryModel;
  readonly Unigram: new (config: object, endToken: string) => LibraryModel;
  readonly ReplaceNormalizer: new (config: object) => { normalize(text: string): string };
  readonly SplitPreTokenizer: new (config: object) => { readonly pattern: RegExp | null };
  readonly ByteLevelPreTokenizer: new (config: object) => { pre_tokenize_text(text: string): string[] };
}

export const { WordPiece, BPE, Unigram, ReplaceNormalizer, SplitPreTokenizer, ByteLevelPreTokenizer } =
  tokenizers as unknown as Library;
