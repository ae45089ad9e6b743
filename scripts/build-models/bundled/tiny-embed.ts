// Writes tiny-embed, a small BERT with random weights in the folder layout of the e5 family. Its layers add little to the word vectors, so
// that texts with common words have similar vectors although it is not trained.

import { bertModel, type BertShape } from "../shapes/bert.ts";
import { writeEmbeddingFolder } from "../shapes/embedding-folder.ts";
import { trainWordPiece, wordPieceFiles } from "../tokenizers/wordpiece.ts";
import { readCorpus } from "./corpus.ts";

export const tinyEmbedSeed = 8485;
const vocabularySize = 2048;

export const tinyEmbedShape: BertShape = {
  layers: 3,
  width: 128,
  heads: 4,
  feedForward: 512,
  vocabulary: vocabularySize,
  positions: 512,
};

/** Writes the whole folder. */
export function writeTinyEmbed(folder: string): void {
  const tokenizer = wordPieceFiles(trainWordPiece(readCorpus(), vocabularySize), tinyEmbedShape.positions);
  const model = bertModel({ seed: tinyEmbedSeed, shape: tinyEmbedShape, layerGain: 0.3, storage: "float16" });
  writeEmbeddingFolder(folder, { model, shape: tinyEmbedShape, tokenizer });
}
