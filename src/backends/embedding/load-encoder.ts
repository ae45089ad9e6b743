// Loads an encoder from its folder: files, settings, tokenizer, session, and a run with one text, so that a model that cannot run fails
// to load instead of failing its first request.
import type { BackendContext, BackendDescription } from "../../domain/backend.ts";
import { ServerError } from "../../domain/errors.ts";
import type { EmbeddingModelOptions } from "../../domain/model.ts";
import { readEncoderFolder, type EncoderFolder } from "../../model-files/encoder/encoder-folder.ts";
import type { ScoreRule } from "../../model-files/encoder/scores.ts";
import type { GraphSession } from "../onnx/graph-session.ts";
import { createSessionOpener } from "../onnx/session.ts";
import { EncoderGraph } from "./encoder-graph.ts";
import { loadHead, type LoadedHead } from "./head/encoder-head.ts";
import { hasInt8DotProduct } from "./processor-features.ts";
import type { EncodedText, EncodingSettings } from "./text/encode-text.ts";
import { loadTextTokenizer, type TextTokenizer } from "./text/text-tokenizer.ts";

export interface LoadedEncoder {
  readonly description: Omit<BackendDescription, "operations">;
  readonly graph: EncoderGraph;
  readonly encoding: EncodingSettings;
  readonly head: LoadedHead;
  /** Width of a vector; 0 for a cross-encoder. */
  readonly dimensions: number;
  /** How a cross-encoder's scores are told; `undefined` for an encoder. */
  readonly scoreRule: ScoreRule | undefined;
}

/** Bytes of Node, the runtime and the tokenizer; measured with a vocabulary of 30,522 words. */
const overheadBytes = 120 * 1024 * 1024;

/** float32 values per token and dimension that are alive at once inside a layer, its wider feed-forward part included. */
const activationsPerToken = 16;

interface LoadOptions {
  readonly options: EmbeddingModelOptions;
  readonly threads: number;
  readonly context: BackendContext;
}

/** @throws ServerError `model_load_failed` saying what was expected and what was found */
export async function loadEncoder(path: string, { options, threads, context }: LoadOptions): Promise<LoadedEncoder> {
  const folder = readEncoderFolder(path, options);
  const { settings, graph: file } = folder;
  const tokenizer = await loadTextTokenizer(path, { lowercase: settings.lowercase });
  context.signal.throwIfAborted();
  assertRoom(tokenizer, settings.maxTokens);
  for (const note of settings.notes) context.log("info", note, { model: path });

  const createGraph = (session: GraphSession): EncoderGraph =>
    new EncoderGraph(session, {
      padId: tokenizer.padId,
      secondSegment: tokenizer.pair.secondSegment,
      firstPosition: settings.firstPosition,
      cacheHeads: settings.cacheHeads,
      cacheWidth: settings.cacheWidth,
      output: folder.head.output,
    });
  const opener = createSessionOpener({ executionProviders: options.executionProviders, threads, context });
  const session = await opener.open(file.path, {
    name: file.name,
    fingerprint: folder.weights.fingerprint,
    rehearse: (trial) => createGraph(trial).run(rehearsalTexts(tokenizer, settings.maxTokens)),
  });
  const { device } = session;
  await logPrecision(folder, { path, options, context, device });

  const graph = createGraph(session);
  const head = loadHead(folder.head);
  const { width } = head.apply(await graph.run([probeOf(tokenizer)]), [probeOf(tokenizer)]);
  context.signal.throwIfAborted();

  const scoreRule = folder.head.kind === "score" ? folder.head.rule : undefined;
  const batchTokens = Math.max(options.maxBatchTokens, settings.maxTokens);
  const activationBytes =
    batchTokens * (settings.hiddenSize ?? width) * activationsPerToken * Float32Array.BYTES_PER_ELEMENT;
  const { graphBytes, externalBytes, fingerprint } = folder.weights;
  return {
    graph,
    head,
    dimensions: scoreRule === undefined ? width : 0,
    scoreRule,
    encoding: {
      tokenizer,
      maxTokens: settings.maxTokens,
      vocabularySize: settings.vocabularySize ?? tokenizer.vocabularySize,
      truncation: options.truncation,
    },
    description: {
      memoryBytes: graphBytes + externalBytes + head.bytes + activationBytes + overheadBytes,
      ...opener.use,
      fingerprint: `onnx-${fingerprint}-${device}-t${threads}`,
      facts: {
        context_length: settings.maxTokens,
        ...headFacts(folder, { width, options }),
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
    return { ids, secondAt: ids.length, promptTokens: 0 };
  });
}

function assertRoom({ single, pair }: TextTokenizer, maxTokens: number): void {
  const specials = Math.max(
    single.before.length + single.after.length,
    pair.before.length + pair.between.length + pair.after.length,
  );
  if (maxTokens > specials + 1) return;
  throw new ServerError(
    "model_load_failed",
    `maxTokens is ${maxTokens}, but ${specials} special tokens leave no room for text in it.`,
  );
}

async function logPrecision(
  { graph }: EncoderFolder,
  { path, options, context, device }: Omit<LoadOptions, "threads"> & { readonly path: string; readonly device: string },
): Promise<void> {
  if (options.precision !== "auto") return;
  if (graph.precision !== "fp32") {
    if (options.modelFile === null)
      context.log("warn", `There is no fp32 graph; ${graph.name} is used.`, { model: path });
    return;
  }
  if (device !== "cpu" || !(await hasInt8DotProduct())) return;
  const message =
    "This processor multiplies int8 natively: 'precision: int8' is about twice as fast, at a small loss of accuracy.";
  context.log("info", message, { model: path });
}

function probeOf(tokenizer: TextTokenizer): EncodedText {
  const { before, after } = tokenizer.single;
  const ids = Int32Array.from([...before, ...tokenizer.encode("hello"), ...after]);
  return { ids, secondAt: ids.length, promptTokens: 0 };
}

function headFacts(
  { head }: EncoderFolder,
  { width, options }: { readonly width: number; readonly options: EmbeddingModelOptions },
): Record<string, string | number | boolean> {
  if (head.kind === "score") {
    const { labels, activation } = head.rule;
    const told = activation === "identity" ? "none" : labels === 1 ? "sigmoid" : "softmax of the second label";
    return { score_activation: told };
  }
  return {
    embedding_dimensions: width,
    pooling: head.kind === "vector" ? "in the graph" : head.pooling.modes.join(" + "),
    normalize: options.normalize,
  };
}
