// Real weights, which no clone has (README.md, "Development"), and llama-server's answers on them: asked for where LLAMA_SERVER_BIN names
// one, else as they were recorded (scripts/goldens/real-weights.ts).
import { existsSync } from "node:fs";
import { performance } from "node:perf_hooks";
import { createLlamaBackend } from "../../src/backends/llama/backend.ts";
import type { Backend } from "../../src/domain/backend.ts";
import type { TextModelOptions } from "../../src/domain/model.ts";
import { askReference, type RealAnswers } from "../../scripts/goldens/real-answers.ts";
import {
  hasRealModel,
  readRecorded,
  realModelPath,
  realModels,
  recordedPath,
  type RealModel,
} from "../../scripts/goldens/real-models.ts";
import { testContext, textSpec } from "./llama.ts";
import { requirement, type Requirement } from "./skips/requires.ts";

export interface Reference {
  readonly answers: RealAnswers;
  /** Largest difference of a log-probability. */
  readonly tolerance: number;
}

export function realModel(name: RealModel["name"]): RealModel {
  const model = realModels.find((other) => other.name === name);
  if (model === undefined) throw new Error(`There is no real model ${name}.`);
  return model;
}

export function realWeights(model: Pick<RealModel, "file">): Requirement {
  return requirement(hasRealModel(model), `${model.file} in HEARTH_REAL_MODELS; ../shared/real-models fetches it`);
}

/** The weights, and something to compare with. */
export function referenceOf(model: RealModel): Requirement {
  const weights = realWeights(model);
  if (!weights.isMet) return weights;
  return requirement(isLive || existsSync(recordedPath(model)), "LLAMA_SERVER_BIN or recorded answers");
}

const isLive = process.env["LLAMA_SERVER_BIN"] !== undefined;

/** How the answers that tests compare with came to be. */
export const referenceName = isLive ? "llama-server" : "llama-server's recorded answers";

/**
 * A llama-server on the same machine takes the same kernels but for those of matrix tiles. On another one sums are taken in another
 * order, and inputs of quantised weights are rounded to 8 bits in other groups.
 */
export async function readReference(model: RealModel): Promise<Reference> {
  return isLive
    ? { answers: await askReference(model), tolerance: 1e-3 }
    : { answers: readRecorded(model) as RealAnswers, tolerance: 0.1 };
}

/** Loads a model as llama-server runs, without flash attention, and prints what that took. */
export async function openRealModel(model: RealModel, options: Partial<TextModelOptions> = {}): Promise<Backend> {
  const started = performance.now();
  const spec = textSpec(realModelPath(model), { threads: 2, flashAttention: false, parallel: 1, ...options });
  const backend = await createLlamaBackend(spec, testContext());
  const seconds = ((performance.now() - started) / 1000).toFixed(2);
  const megabytes = (backend.description.memoryBytes / 1e6).toFixed(0);
  console.log(`${model.file}: loaded in ${seconds} s, ${megabytes} MB with a context of ${options.contextSize ?? 0}`);
  return backend;
}
