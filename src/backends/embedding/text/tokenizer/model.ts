// The model of a tokenizer.json: the ids of one piece of text. The algorithms are @huggingface/tokenizers' own.
import { ServerError } from "../../../../domain/errors.ts";
import { BPE, Unigram, WordPiece, type LibraryModel } from "./library.ts";
import { unsupportedPart, type TokenizerPart } from "./part.ts";

export interface TokenModel {
  /** Ids of one piece, as the splitter makes them. */
  encode(piece: string): readonly number[];
  /** Ids are below this. */
  readonly size: number;
}

/** Pieces whose ids are kept: a text repeats its words. */
const keptPieces = 16_384;
const longestKeptPiece = 64;

/** A lone surrogate, which no text has that is read here: what begins with it is never found in one. */
const unreachable = "\ud800";

/**
 * `special`: contents of special tokens. A unigram's list of pieces has them too, with the best of scores, and would find them in a text.
 * @throws ServerError `model_load_failed` for a model that is not known, by its name
 */
export function createTokenModel(part: TokenizerPart, special: ReadonlySet<string>): TokenModel {
  const model = createLibraryModel(part, special);
  const unknown = model.unk_token_id;
  const known = new Map<string, readonly number[]>();
  return {
    size: model.vocab.length,
    encode(piece) {
      const kept = known.get(piece);
      if (kept !== undefined) return kept;
      // One piece a call: the library would join unknown characters across pieces.
      const tokens = model._call([piece]);
      const ids: number[] = [];
      for (const token of tokens) {
        const id = model.tokens_to_ids.get(token) ?? unknown;
        if (id !== undefined) ids.push(id);
      }
      if (piece.length <= longestKeptPiece) {
        if (known.size >= keptPieces) known.clear();
        known.set(piece, ids);
      }
      return ids;
    },
  };
}

function createLibraryModel(part: TokenizerPart, special: ReadonlySet<string>): LibraryModel {
  const { vocab } = part;
  switch (kindOf(part)) {
    case "WordPiece":
      return new WordPiece(part);
    case "BPE":
      return new BPE(part);
    case "Unigram": {
      if (part["byte_fallback"] === true) {
        throw new ServerError("model_load_failed", "A Unigram tokenizer with byte_fallback is not supported.");
      }
      const pieces = (vocab as [string, number][]).map(([content, score]) => [
        special.has(content) ? unreachable + content : content,
        score,
      ]);
      return new Unigram({ ...part, vocab: pieces }, "");
    }
    default:
      throw unsupportedPart("model", part);
  }
}

/** Files of old versions name no type. */
function kindOf(part: TokenizerPart): unknown {
  if (part.type !== undefined) return part.type;
  if (Array.isArray(part["vocab"])) return "Unigram";
  return part["merges"] === undefined ? "WordPiece" : "BPE";
}
