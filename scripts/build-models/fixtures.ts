// Writes models of every supported shape with random weights, for tests and benchmarks, in the layout of published folders and files.
// Weights are determined by the seed. Models are small unless a size is given.

import { mkdirSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";

import { readCorpus } from "./bundled/corpus.ts";
import { type GgufTensorType, writeGguf } from "./formats/gguf.ts";
import { type DiffusionFamily, familyOptions, fixtureSizes, type FamilySizes } from "./fixtures/diffusion-families.ts";
import { padTextVocabulary, padVocabulary } from "./fixtures/padded-vocabulary.ts";
import { bertGgufModel, type BertGgufType } from "./shapes/bert-gguf.ts";
import { bertModel, type BertOptions, type BertShape } from "./shapes/bert.ts";
import { type DiffusionOptions, writeDiffusionFolder } from "./shapes/diffusion-folder.ts";
import { writeEmbeddingFolder } from "./shapes/embedding-folder.ts";
import { llamaModel, type LlamaShape } from "./shapes/llama.ts";
import { type SchedulerOptions } from "./shapes/scheduler-configuration.ts";
import { type UnetOptions } from "./shapes/unet-options.ts";
import { trainByteLevelBpe, trainClipBpe } from "./tokenizers/bpe.ts";
import { chatSpecialTokenCount, chatTokenizer } from "./tokenizers/chat-tokenizer.ts";
import { toGgufWordPiece } from "./tokenizers/wordpiece-gguf.ts";
import { trainWordPiece, wordPieceFiles } from "./tokenizers/wordpiece.ts";

export interface DiffusionFixtureOptions
  extends
    Pick<UnetOptions, "int8" | "timestepType" | "timestepRank">,
    Partial<
      Pick<DiffusionOptions, "seed" | "dtype" | "vaeDtype" | "storage" | "vaeEncoder" | "sampleSize" | "indexFields">
    > {
  readonly family: DiffusionFamily;
  /** @default a few hundred kilobytes */
  readonly sizes?: FamilySizes;
  /** Type of the text encoders' ids. @default "int64" */
  readonly idsType?: "int32" | "int64";
  /** Name of a separate file of weights, false for none. @default "model.onnx_data" for the two SDXL families, else false */
  readonly externalData?: string | false;
  /** Changes to the family's scheduler. */
  readonly scheduler?: Partial<SchedulerOptions>;
}

/** Writes a Stable Diffusion folder. */
export function writeDiffusionFixture(folder: string, options: DiffusionFixtureOptions): void {
  const { family, idsType = "int64", scheduler, externalData, int8 = false, timestepType, timestepRank } = options;
  const base = familyOptions(family, options.sizes ?? fixtureSizes(fixtureClipVocabulary));
  const ids = { idsType, int8 };
  const vocabulary = trainClipBpe(readCorpus(), Math.min(fixtureClipVocabulary, base.textEncoder.shape.vocabulary));
  const size = base.textEncoder.shape.vocabulary;
  const weights = externalData === undefined ? base.externalData : externalData === false ? undefined : externalData;
  const { externalData: _family, ...rest } = base;
  writeDiffusionFolder(folder, {
    ...rest,
    seed: options.seed ?? 1,
    vocabulary: { tokens: padVocabulary(vocabulary.tokens, { size, keepLast: 2 }), merges: vocabulary.merges },
    textEncoder: { ...base.textEncoder, ...ids },
    ...(base.textEncoder2 === undefined ? {} : { textEncoder2: { ...base.textEncoder2, ...ids } }),
    unet: { ...base.unet, int8, ...defined({ timestepType, timestepRank }) },
    scheduler: { ...base.scheduler, ...scheduler },
    ...defined({
      dtype: options.dtype,
      vaeDtype: options.vaeDtype,
      storage: options.storage,
      vaeEncoder: options.vaeEncoder,
      sampleSize: options.sampleSize,
      indexFields: options.indexFields,
      externalData: weights,
    }),
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

export interface BertGgufFixtureOptions extends Pick<
  EmbeddingFixtureOptions,
  "seed" | "shape" | "tokenizerFrom" | "layerGain"
> {
  /** @default "f32" */
  readonly type?: BertGgufType;
  readonly name?: string;
}

/** Writes an encoder as GGUF, with the weights and the tokenizer that `writeEmbeddingFixture` writes for the same options. */
export function writeBertGgufFixture(path: string, options: BertGgufFixtureOptions = {}): void {
  const { seed = 1, type = "f32", name = "fixture", layerGain } = options;
  const asked = options.shape ?? { ...fixtureShape, positions: 128 };
  const files = embeddingTokenizer(options, asked.positions);
  const tokenizer = toGgufWordPiece(files.get("tokenizer.json") ?? "{}");
  const shape: BertShape = { ...asked, vocabulary: asked.vocabulary ?? tokenizer.tokens.length };
  mkdirSync(dirname(path), { recursive: true });
  writeGguf(path, bertGgufModel({ name, seed, shape, type, tokenizer, ...defined({ layerGain }) }));
}

export interface LlamaFixtureOptions {
  /** @default 2 layers, 64 wide, 512 tokens of context */
  readonly shape?: LlamaShape;
  /** @default "f16" */
  readonly type?: GgufTensorType;
  /** Number of tokens; made-up words fill up those of the corpus. @default 512 */
  readonly vocabulary?: number;
  readonly seed?: number;
  /** Spread of the logits: higher makes sampling more certain. @default 2 */
  readonly logitSpread?: number;
  readonly name?: string;
}

/** Writes a GGUF file. Rows that do not divide into q4_K blocks of 256 become q4_0, of the same size. */
export function writeLlamaFixture(path: string, options: LlamaFixtureOptions = {}): void {
  const { type = "f16", vocabulary = 512, seed = 1, logitSpread = 2, name = "fixture" } = options;
  const shape = options.shape ?? { layers: 2, width: 64, heads: 2, keyValueHeads: 1, feedForward: 128, context: 512 };
  const trained = trainByteLevelBpe(readCorpus(), Math.min(vocabulary, 1536) - chatSpecialTokenCount);
  const tokens = padTextVocabulary(trained.tokens, vocabulary - chatSpecialTokenCount);
  const tokenizer = chatTokenizer({ tokens, merges: trained.merges });
  mkdirSync(dirname(path), { recursive: true });
  writeGguf(path, llamaModel({ name, seed, shape, tokenizer, type, logitSpread }));
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
