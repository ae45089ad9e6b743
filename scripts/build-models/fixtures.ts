// Writes models of every supported shape with random weights, for tests and benchmarks, in the layout of published folders and files.
// Weights are determined by the seed. Models are small unless a size is given.

import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

import { readCorpus } from "./bundled/corpus.ts";
import { type DiffusionFamily, familyOptions, fixtureSizes, type FamilySizes } from "./fixtures/diffusion-families.ts";
import { padVocabulary } from "./fixtures/padded-vocabulary.ts";
import { bertModel, type BertOptions, type BertShape } from "./shapes/bert.ts";
import { type DiffusionOptions, writeDiffusionFolder } from "./shapes/diffusion-folder.ts";
import { writeEmbeddingFolder } from "./shapes/embedding-folder.ts";
import { trainClipBpe } from "./tokenizers/bpe.ts";
import { trainWordPiece, wordPieceFiles } from "./tokenizers/wordpiece.ts";

export interface DiffusionFixtureOptions extends Partial<Pick<DiffusionOptions, "dtype" | "vaeDtype">> {
  readonly family: DiffusionFamily;
  /** @default a few hundred kilobytes */
  readonly sizes?: FamilySizes;
  /** Name of a separate file of weights. @default "model.onnx_data" for SDXL, else none */
  readonly externalData?: string;
}

/** Writes a Stable Diffusion folder. */
export function writeDiffusionFixture(folder: string, options: DiffusionFixtureOptions): void {
  const { family, dtype, vaeDtype, externalData } = options;
  const base = familyOptions(family, options.sizes ?? fixtureSizes(fixtureClipVocabulary));
  const vocabulary = trainClipBpe(readCorpus(), Math.min(fixtureClipVocabulary, base.textEncoder.shape.vocabulary));
  const size = base.textEncoder.shape.vocabulary;
  writeDiffusionFolder(folder, {
    ...base,
    seed: 1,
    vocabulary: { tokens: padVocabulary(vocabulary.tokens, { size, keepLast: 2 }), merges: vocabulary.merges },
    ...defined({ dtype, vaeDtype, externalData }),
  });
}

export interface EmbeddingFixtureOptions extends Partial<
  Pick<BertOptions, "seed" | "output" | "dtype" | "storage" | "int8" | "layerGain">
> {
  /** Without `vocabulary` it is the tokenizer's. @default 2 layers, 32 wide */
  readonly shape?: Omit<BertShape, "vocabulary"> & { readonly vocabulary?: number };
  /** Folder whose tokenizer files are copied. @default one of our own */
  readonly tokenizerFrom?: string;
  /** File name within `onnx/`. @default "model.onnx" */
  readonly fileName?: string;
  readonly externalData?: string;
}

/** Writes the folder of an encoder, or with `output: "logits"` of a cross-encoder. */
export function writeEmbeddingFixture(folder: string, options: EmbeddingFixtureOptions = {}): void {
  const { output = "last_hidden_state", fileName = "model.onnx", externalData } = options;
  const asked = options.shape ?? { ...fixtureShape, positions: 128 };
  const tokenizer = embeddingTokenizer(options, asked.positions);
  const shape: BertShape = { ...asked, vocabulary: asked.vocabulary ?? vocabularySizeOf(tokenizer) };
  const model = bertModel({
    seed: options.seed ?? 1,
    shape,
    output,
    ...defined({
      dtype: options.dtype,
      storage: options.storage,
      int8: options.int8,
      layerGain: options.layerGain,
    }),
  });
  writeEmbeddingFolder(folder, {
    model,
    shape,
    tokenizer,
    crossEncoder: output === "logits",
    fileName,
    ...defined({ write: externalData === undefined ? undefined : { externalData } }),
  });
}

const fixtureClipVocabulary = 600;
const fixtureShape = { layers: 2, width: 32, heads: 2, feedForward: 64 };

function embeddingTokenizer(options: EmbeddingFixtureOptions, maximumTokens: number): ReadonlyMap<string, string> {
  if (options.tokenizerFrom !== undefined) return tokenizerFiles(options.tokenizerFrom);
  const { tokens } = trainWordPiece(readCorpus(), 1800);
  const size = options.shape?.vocabulary ?? tokens.length;
  return wordPieceFiles({ tokens: padVocabulary(tokens, { size }) }, maximumTokens);
}

function tokenizerFiles(folder: string): Map<string, string> {
  const names = new Set(["tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "vocab.txt"]);
  const present = readdirSync(folder).filter((name) => names.has(name));
  return new Map(present.map((name) => [name, readFileSync(join(folder, name), "utf8")]));
}

/** The fields that are not undefined: with exact optional properties an absent field and an undefined one differ. */
function defined<T extends object>(fields: T): { [Key in keyof T]?: Exclude<T[Key], undefined> } {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as {
    [Key in keyof T]?: Exclude<T[Key], undefined>;
  };
}

function vocabularySizeOf(files: ReadonlyMap<string, string>): number {
  const { model } = JSON.parse(files.get("tokenizer.json") ?? "{}") as { model: { vocab: Record<string, number> } };
  return Object.keys(model.vocab).length;
}
