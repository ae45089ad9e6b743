// Loads an encoder from its folder: files, settings, tokenizer, session, and a run with one text, so that a model that cannot run fails
// to load instead of failing its first request.
import type { BackendContext, BackendDescription } from "../../domain/backend.ts";
import { ServerError } from "../../domain/errors.ts";
import type { EmbeddingModelOptions } from "../../domain/model.ts";
import type { PoolingMode } from "./pooling.ts";
import type { EncodedText, EncodingSettings } from "./text/encode-text.ts";
import { hasInt8DotProduct } from "./processor-features.ts";
import { embedTexts, encoderOutputs, pooledOutputs, scoreOutputs, scorePairs } from "./encoder.ts";
import { EncoderGraph } from "./encoder-graph.ts";
import { findGraphFile } from "../../model-files/onnx/graph-file.ts";
import { readModelSettings } from "./model-settings.ts";
import type { GraphSession } from "../onnx/graph-session.ts";
import { createSessionOpener } from "../onnx/session.ts";
import { loadTextTokenizer, type TextTokenizer } from "./text/text-tokenizer.ts";
import { inspectGraphFile } from "../../model-files/onnx/graph-weights.ts";

export interface LoadedEncoder {
  readonly description: Omit<BackendDescription, "operations">;
  readonly graph: EncoderGraph;
  readonly encoding: EncodingSettings;
  readonly pooling: PoolingMode;
  /** Width of a vector; 0 for a cross-encoder. */
  readonly dimensions: number;
  readonly isCrossEncoder: boolean;
}

/** Bytes of Node, the runtime and the tokenizer; measured with a vocabulary of 30,522 words. */
const overheadBytes = 160 * 1024 * 1024;

/** float32 values per token and dimension that are alive at once inside a layer, its wider feed-forward part included. */
const activationsPerToken = 16;

/** @throws ServerError `model_load_failed` saying what was expected and what was found */
export async function loadEncoder(
  folder: string,
  {
    options,
    threads,
    context,
  }: { readonly options: EmbeddingModelOptions; readonly threads: number; readonly context: BackendContext },
): Promise<LoadedEncoder> {
  const file = await findGraphFile(folder, options);
  const settings = await readModelSettings(folder, options);
  const weights = inspectGraphFile(file.path);
  const tokenizer = await loadTextTokenizer(folder);
  context.signal.throwIfAborted();
  const { single, pair } = tokenizer;
  const specials = Math.max(
    single.before.length + single.after.length,
    pair.before.length + pair.between.length + pair.after.length,
  );
  if (settings.maxTokens <= specials + 1) {
    throw new ServerError(
      "model_load_failed",
      `maxTokens is ${settings.maxTokens}, but ${specials} special tokens leave no room for text in it.`,
    );
  }
  for (const note of settings.notes) context.log("info", note, { model: folder });

  const scoresPairs = (session: GraphSession): boolean =>
    session.outputNames.includes("logits") && settings.isCrossEncoder;
  const createGraph = (session: GraphSession): EncoderGraph =>
    new EncoderGraph(session, {
      padId: tokenizer.padId,
      secondSegment: tokenizer.pair.secondSegment,
      firstPosition: settings.firstPosition,
      outputs: scoresPairs(session) ? scoreOutputs : encoderOutputs,
    });
  const opener = createSessionOpener({ executionProviders: options.executionProviders, threads, context });
  const session = await opener.open(file.path, {
    name: file.name,
    fingerprint: weights.fingerprint,
    rehearse: (trial) => createGraph(trial).run(rehearsalTexts(tokenizer, settings.maxTokens)),
  });
  const { device } = session;
  if (options.precision === "auto" && file.precision !== "fp32" && options.modelFile === null) {
    context.log("warn", `There is no fp32 graph; ${file.name} is used.`, { model: folder });
  }

  if (options.precision === "auto" && file.precision === "fp32" && device === "cpu" && (await hasInt8DotProduct())) {
    const message =
      "This processor multiplies int8 natively: 'precision: int8' is about twice as fast, at a small loss of accuracy.";
    context.log("info", message, { model: folder });
  }

  const isCrossEncoder = scoresPairs(session);
  const graph = createGraph(session);
  const { before, after } = tokenizer.single;
  const ids = Int32Array.from([...before, ...tokenizer.encode("hello"), ...after]);
  const probe: readonly EncodedText[] = [{ ids, secondAt: ids.length }];
  let dimensions = 0;
  if (isCrossEncoder) await scorePairs(probe, graph);
  else ({ dimensions } = await embedTexts(probe, { graph, pooling: settings.pooling }));
  context.signal.throwIfAborted();

  const width = settings.hiddenSize ?? Math.max(dimensions, 1);
  const batchTokens = Math.max(options.maxBatchTokens, settings.maxTokens);
  const activationBytes = batchTokens * width * activationsPerToken * Float32Array.BYTES_PER_ELEMENT;
  const isPooledInside = pooledOutputs.includes(graph.outputName);
  return {
    graph,
    pooling: settings.pooling,
    dimensions,
    isCrossEncoder,
    encoding: {
      tokenizer,
      maxTokens: settings.maxTokens,
      vocabularySize: settings.vocabularySize ?? tokenizer.vocabularySize,
      truncation: options.truncation,
    },
    description: {
      memoryBytes: weights.graphBytes + weights.externalBytes + activationBytes + overheadBytes,
      ...opener.use,
      fingerprint: `onnx-${weights.fingerprint}-${device}-t${threads}`,
      facts: {
        context_length: settings.maxTokens,
        ...(isCrossEncoder
          ? {}
          : {
              embedding_dimensions: dimensions,
              pooling: isPooledInside ? "in the graph" : settings.pooling,
              normalize: options.normalize,
            }),
        architecture: settings.modelType,
        graph: file.name,
        precision: file.precision,
        threads,
      },
    },
  };
}

/** Texts and tokens of the run by which devices are compared: a micro-batch as the CPU likes it, so that its time means something. */
const rehearsalRows = 8;
const rehearsalTokens = 32;

function rehearsalTexts(tokenizer: TextTokenizer, maxTokens: number): EncodedText[] {
  const { before, after } = tokenizer.single;
  const words = tokenizer.encode("The quick brown fox jumps over the lazy dog, and nobody knows why it should.");
  const length = Math.max(1, Math.min(rehearsalTokens, maxTokens) - before.length - after.length);
  return Array.from({ length: rehearsalRows }, (_, row) => {
    const body = Array.from({ length }, (_, column) => words[(row + column) % words.length] ?? 0);
    const ids = Int32Array.from([...before, ...body, ...after]);
    return { ids, secondAt: ids.length };
  });
}
