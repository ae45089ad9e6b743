// The entry of a process that looks for llama.cpp's GPU and computes the bundled model there and on the CPU, so that a driver that
// crashes or hangs takes nobody along.
import { answerApart } from "../../../common/devices/run-apart.ts";
import { isSoftwareAdapter } from "../../../common/devices/adapters.ts";
import { openLibrary, type Library } from "../../native/library.ts";
import { readGguf } from "../../../../model-files/gguf/gguf-facts.ts";
import { NativeModelHandle } from "../../native/model.ts";
import { openWeights } from "../../native/weights.ts";
import type { LlamaProbeAnswer, LlamaProbeJob } from "./probe-job.ts";

/** As many tokens as a GPU needs to take its kernels for prompts, below the trained context of the model. */
const promptTokens = 64;
const generatedTokens = 8;

process.title = "hearth probe";
answerApart((job) => probe(job as LlamaProbeJob));

async function probe({ modelPath, allowsSoftware }: LlamaProbeJob): Promise<LlamaProbeAnswer> {
  const messages: string[] = [];
  try {
    const library = await openLibrary((level, message) => level === "error" && messages.push(message), { gpu: "auto" });
    const { gpu } = library.llama;
    const names = gpu === false ? [] : await library.llama.getGpuDeviceNames();
    if (gpu === false || names.length === 0) return { type: "none" };
    if (!allowsSoftware && names.every(isSoftwareAdapter)) return { type: "software", gpu, names };
    // llama.cpp gives larger batches to the GPU whatever the number of layers there, so the CPU gets small ones.
    const onCpu = await continueStory(library, { modelPath, gpuLayers: 0, batchSize: 16 });
    const onGpu = await continueStory(library, {
      modelPath,
      gpuLayers: "max",
      batchSize: promptTokens,
      tokens: onCpu.tokens,
    });
    const differences = onCpu.logprobs.map((logprob, index) => Math.abs(logprob - (onGpu.logprobs[index] ?? NaN)));
    return { type: "ran", gpu, names, difference: Math.max(...differences) };
  } catch (error) {
    const own = error instanceof Error ? error.message : String(error);
    return { type: "failed", message: [own, ...messages].join("; ") };
  }
}

interface Story {
  readonly tokens: readonly number[];
  readonly logprobs: readonly number[];
}

/** The likeliest tokens after a fixed prompt, or `tokens` where they are given, and their log-probabilities. */
async function continueStory(
  library: Library,
  {
    modelPath,
    gpuLayers,
    batchSize,
    tokens,
  }: {
    readonly modelPath: string;
    readonly gpuLayers: number | "max";
    readonly batchSize: number;
    readonly tokens?: readonly number[];
  },
): Promise<Story> {
  const { architecture } = await readGguf(modelPath);
  const signal = new AbortController().signal;
  const weights = await openWeights(library.llama, { path: modelPath, gpuLayers, useMmap: true, signal });
  const native = new NativeModelHandle(library.llama, { weights, architecture });
  const context = await native.createContext({
    contextSize: 256,
    sequences: 1,
    batchSize,
    threads: 1,
    flashAttention: "auto",
    kvCacheType: "f16",
  });
  const sampler = native.takeSampler({ temperature: 0, seed: 0 });
  const prompt = Array.from({ length: promptTokens }, (_, index) => 5 + ((index * 37) % 1000));
  const taken: number[] = [];
  const logprobs: number[] = [];
  let position = 0;
  let next = prompt;
  while (taken.length < generatedTokens) {
    let place = 0;
    for (let from = 0; from < next.length; from += batchSize) {
      const chunk = Uint32Array.from(next.slice(from, from + batchSize));
      context.beginBatch(chunk.length);
      [place = 0] = context.addToBatch(0, { position, tokens: chunk, logitsFor: Uint32Array.of(chunk.length - 1) });
      await context.decode();
      position += chunk.length;
    }
    const token = tokens?.[taken.length] ?? (await context.sample(place, sampler));
    logprobs.push((await context.score(place, { token, topCount: 0 })).logprob);
    taken.push(token);
    next = [token];
  }
  return { tokens: taken, logprobs };
}
