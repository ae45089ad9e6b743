// A tokenizer from its tokenizer.json: from a text to ids, step by step as Hugging Face's Rust original goes. test/reference/embeddings
// holds it to that on every family of encoders.
import { ServerError } from "../../../../domain/errors.ts";
import { isRecord } from "../../../../util/is-record.ts";
import { createAddedTokenSplitter, type AddedToken } from "./added-tokens.ts";
import { readFrame, type Frame } from "./frame.ts";
import { createTokenModel } from "./model.ts";
import { createNormalizer, lowersCase } from "./normalizers.ts";
import type { TokenizerPart } from "./part.ts";
import { createSplitter } from "./splitters.ts";

export interface Tokenizer {
  /**
   * Ids of the text alone. `trusted`: special tokens that its first so many characters spell are tokens; elsewhere they are text.
   * Synchronous: about a second for a megabyte, so callers cut long texts first.
   */
  encode(text: string, trusted?: number): number[];
  readonly frame: Frame;
  idOf(content: string): number | undefined;
  /** Ids are below this. */
  readonly vocabularySize: number;
}

export interface TokenizerOptions {
  /** Lower the case of every text first, where the tokenizer does not do so itself. */
  readonly lowercase: boolean;
}

/** @throws ServerError `model_load_failed` for a part that is not known, by its name */
export function createTokenizer(file: Readonly<Record<string, unknown>>, { lowercase }: TokenizerOptions): Tokenizer {
  const model = file["model"];
  if (!isRecord(model)) throw new ServerError("model_load_failed", "The tokenizer.json has no 'model'.");
  const ownNormalizer = file["normalizer"] as TokenizerPart | null | undefined;
  const ownNormalize = createNormalizer(ownNormalizer);
  const lower = createNormalizer(lowercase && !lowersCase(ownNormalizer) ? { type: "Lowercase" } : null);
  const normalize = (text: string): string => ownNormalize(lower(text));
  const added = readAddedTokens(file["added_tokens"]);
  const splitAdded = createAddedTokenSplitter(added, normalize);
  const split = createSplitter(file["pre_tokenizer"] as TokenizerPart | null | undefined);
  const tokens = createTokenModel(
    model,
    new Set(added.filter(({ isSpecial }) => isSpecial).map(({ content }) => content)),
  );
  const idOf = (content: string): number | undefined => added.find((token) => token.content === content)?.id;
  return {
    encode(text, trusted = 0) {
      const ids: number[] = [];
      // Half a surrogate pair is no character to the original; JSON can carry one.
      for (const segment of splitAdded.split(text.toWellFormed(), trusted)) {
        if (typeof segment === "number") {
          ids.push(segment);
          continue;
        }
        for (const piece of split(segment)) {
          for (const id of tokens.encode(piece.text)) ids.push(id);
        }
      }
      return ids;
    },
    frame: readFrame(file["post_processor"] as TokenizerPart | null | undefined, idOf),
    idOf,
    vocabularySize: Math.max(tokens.size, ...added.map(({ id }) => id + 1)),
  };
}

function readAddedTokens(value: unknown): AddedToken[] {
  return (Array.isArray(value) ? value : []).filter(isRecord).map((entry) => {
    const isSpecial = entry["special"] === true;
    return {
      id: Number(entry["id"]),
      content: String(entry["content"]),
      isSpecial,
      isNormalized: typeof entry["normalized"] === "boolean" ? entry["normalized"] : !isSpecial,
      isWord: entry["single_word"] === true,
      stripsLeft: entry["lstrip"] === true,
      stripsRight: entry["rstrip"] === true,
    };
  });
}
