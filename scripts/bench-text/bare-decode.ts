// The child process of overhead.ts: decodes and samples through the adapter that the engine uses, and nothing else. It has a runner's
// environment and reads the configuration of the server that it is compared with, so that both do the same computation.
import { availableParallelism, tmpdir } from "node:os";

import { createContext, loadWeights, resolveContextSize } from "../../src/backends/llama/load/load-model.ts";
import { startOf } from "../../src/backends/llama/load/parallel.ts";
import { planSampler } from "../../src/backends/llama/engine/sampler-config.ts";
import { loadConfiguration } from "../../src/config/load-configuration.ts";
import { mainThreadMs } from "./processor-time.ts";

export interface BareModel {
  /** The prompt's tokens, beginning of text included. */
  readonly prompt: readonly number[];
  /** Tokens that would end the text: they are banned. */
  readonly endTokens: readonly number[];
}

/** The times of one round, from the first token to the last. */
export interface BareRound {
  readonly wallMs: number;
  readonly mainThreadMs: number | null;
}

const [file = "", tokenCount] = process.argv.slice(2);
const tokens = Number(tokenCount);
const [model] = loadConfiguration({ file, flags: {}, environment: {}, cwd: process.cwd() }).models;
if (model?.options.kind !== "text") throw new Error("The configuration names no text model.");
const { path, options } = model;

const weights = await loadWeights(
  { path, options },
  { log: () => {}, signal: new AbortController().signal, cacheDirectory: tmpdir(), memoryBudgetBytes: Infinity },
);
const { native, vocabulary } = weights;
const contextSize = resolveContextSize(options.contextSize, weights.facts);
const context = await createContext(weights, {
  path,
  contextSize,
  sequences: startOf(options),
  batchSize: Math.max(options.batchSize, startOf(options)),
  threads: options.threads || availableParallelism(),
  flashAttention: options.flashAttention,
  kvCacheType: options.kvCacheType,
});
context.setThreads(options.threads);

const beginning = vocabulary.prependsBos && vocabulary.bos !== undefined ? [vocabulary.bos] : [];
const prompt = [...beginning, ...native.tokenize("Once upon a time", false)];
const allTokens = Array.from({ length: vocabulary.size }, (_, token) => token);
const endTokens = allTokens.filter((token) => vocabulary.isEndOfGeneration(token));
if (prompt.length + tokens > contextSize) {
  throw new Error(`--tokens ${tokens} and a prompt of ${prompt.length} exceed the context of ${contextSize} tokens.`);
}
const plan = planSampler({
  sampling: { temperature: 0, logitBias: endTokens.map((token) => [token, -100]) },
  defaults: options.defaults,
  prompt,
  seed: 1,
  contextSize,
});
const sampler = native.takeSampler(plan.config);

process.on("disconnect", () => process.exit(0));
process.on("message", () => {
  void decodeRound().then((round) => process.send?.(round));
});
process.send?.({ prompt, endTokens } satisfies BareModel);

async function decodeRound(): Promise<BareRound> {
  context.clear(0);
  let token = await decode(Uint32Array.from(prompt), 0);
  const processorBefore = mainThreadMs(process.pid);
  const startMs = performance.now();
  for (let index = 1; index < tokens; index++) token = await decode(Uint32Array.of(token), prompt.length + index - 1);
  const wallMs = performance.now() - startMs;
  const processorAfter = mainThreadMs(process.pid);
  return {
    wallMs,
    mainThreadMs: processorBefore === null || processorAfter === null ? null : processorAfter - processorBefore,
  };
}

/** Decodes and samples as the engine does: the sampling is queued right after the decode. */
async function decode(batch: Uint32Array, position: number): Promise<number> {
  context.beginBatch(batch.length);
  const last = Uint32Array.of(batch.length - 1);
  const [logits = 0] = context.addToBatch(0, { position, tokens: batch, logitsFor: last });
  const [, token] = await Promise.all([context.decode(), context.sample(logits, sampler)]);
  return token;
}
