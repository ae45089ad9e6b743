// The llama backend: loads one GGUF in this process and answers chats, completions and `apply-template`, or embeddings. The process
// should be started with UV_THREADPOOL_SIZE=1: with more workers every decode may land on another thread, which costs more than the
// decode of a small model itself, and native calls have to wait for each other (native/call-queue.ts).
import { availableParallelism } from "node:os";
import type { Backend, BackendContext } from "../../domain/backend.ts";
import { ServerError } from "../../domain/errors.ts";
import type { ModelSpec, TextModelOptions } from "../../domain/model.ts";
import type { NativeContextHandle } from "./native/context.ts";
import { createBackend, single } from "../common/operation-table.ts";
import { ChatRunner } from "./generate/chat.ts";
import { runCompletion } from "./generate/completion.ts";
import { DraftGuesser, draftLength } from "./speculative/draft-model.ts";
import { LlamaEmbedder } from "./embedding/embedding.ts";
import { Engine } from "./engine/engine.ts";
import { hasMatrixTiles } from "./native/matrix-tiles.ts";
import {
  fixedThreads,
  plausibleTokenMs,
  threadCandidates,
  ThreadTuner,
  type ThreadChoice,
} from "./native/thread-tuner.ts";
import { loadFailure } from "../../model-files/gguf/gguf-facts.ts";
import { promptLookup } from "./speculative/prompt-lookup.ts";
import { type Guesser } from "./engine/guesser.ts";
import { describeModel, resolveThreads, type Creation, type ModelDescription } from "./load/describe.ts";
import { createContext, flashAttentionOf, loadWeights, resolveContextSize } from "./load/load-model.ts";
import { resolveParallel, startOf } from "./load/parallel.ts";
import { openPromptCache } from "./load/open-prompt-cache.ts";
import { Utf8Guard } from "./tokens/utf8-guard.ts";
import { TextModel } from "./generate/text-model.ts";

/** Memory for checkpoints of states that cannot be cut, all slots together. */
const checkpointBytes = 128 * 1024 * 1024;

/** @throws ServerError `model_load_failed` with a reason for the operator. */
export async function createLlamaBackend(spec: ModelSpec, context: BackendContext): Promise<Backend> {
  const { options } = spec;
  if (options.kind !== "text") throw new ServerError("model_load_failed", `'${spec.id}' is not a text model.`);
  const weights = await loadWeights({ path: spec.path, options }, context);
  try {
    return options.embedding
      ? await createEmbedding({ spec, options, weights, context })
      : await createText({ spec, options, weights, context });
  } catch (error) {
    await weights.native.dispose();
    throw error;
  }
}

async function createText({ spec, options, weights, context }: Creation): Promise<Backend> {
  const { reproducible } = options;
  const contextSize = resolveContextSize(options.contextSize, weights.facts);
  const canTrim = weights.native.canTrimSequences;
  const window = weights.facts.slidingWindow ?? Infinity;
  // Where the file tells no window, llama.cpp may know one all the same. Cells of a window's cache come to lie in another order than
  // they were computed in, and sums over them round otherwise.
  const isFullCache = options.swaFullCache === true || reproducible || window === Infinity;
  if (reproducible) assertReproducible(spec.path, { options, canTrim });
  const native = await createContext(weights, {
    path: spec.path,
    // With `reproducible` a filler is computed behind the last token of the context too.
    contextSize: contextSize + (reproducible ? 1 : 0),
    sequences: startOf(options),
    batchSize: Math.max(options.batchSize, startOf(options) * (reproducible ? 2 : 1)),
    threads: options.threads || availableParallelism(),
    flashAttention: flashAttentionOf(options),
    kvCacheType: options.kvCacheType,
    swaFullCache: isFullCache,
    loras: weights.loras,
  });
  const threads = resolveThreads({ options, weights });
  const parallel = resolveParallel(options, {
    contextBytes: native.memoryBytes,
    budgetBytes: context.memoryBudgetBytes,
    // A draft model has a sequence for each of these, and cells that have moved lie in another order.
    isFixed: reproducible || options.draftModel !== null,
  });
  const promptCache = await openPromptCache({ spec, options, weights, context }, { native, contextSize, threads });
  const canGuess = canTrim && !reproducible;
  const guesser = canGuess
    ? ((await createDraft({ options, weights, context }, native, contextSize)) ?? promptLookup)
    : undefined;
  const utf8 = new Utf8Guard(weights.vocabulary);
  const engine = new Engine({
    model: weights.native,
    context: native,
    parallel: parallel.start,
    maxParallel: parallel.maximum,
    canCarry: canTrim && window === Infinity,
    log: context.log,
    contextSize,
    canTrim,
    window,
    isUniform: flashAttentionOf(options) === false,
    reproducible,
    apart: !canTrim && hasMatrixTiles(),
    promptCache,
    checkpointBytes: canTrim && isFullCache ? 0 : checkpointBytes,
    isEndOfGeneration: (token) => weights.vocabulary.isEndOfGeneration(token),
    vocabularySize: weights.vocabulary.size,
    maxQueue: options.maxQueue,
    threads: chooseThreads(options, { start: threads, weightBytes: weights.native.memoryBytes }),
    guesser,
    utf8,
  });
  const model = new TextModel({
    options,
    native: weights.native,
    engine,
    utf8,
    vocabulary: weights.vocabulary,
    contextSize,
    guesses: !canGuess ? 0 : options.draftModel === null ? options.promptLookup : draftLength,
    canTrim,
  });
  const chat = new ChatRunner(model, weights.facts);
  if (chat.fallbackTemplate !== undefined) {
    context.log("info", `The model brings no chat template; chats are written as ${chat.fallbackTemplate}.`, {
      model: spec.id,
    });
  }
  const description = await describeModel(
    { spec, options, weights, context },
    { native, threads, contextSize, parallel },
  );
  return createBackend(withDraft(description, guesser), {
    handlers: {
      chat: (request, call) => chat.run(request, call),
      completion: (request, call) => runCompletion(model, request, call),
      "apply-template": single((request, signal) => chat.applyTemplate(request, signal)),
    },
    dispose: async () => {
      await engine.dispose();
      await guesser?.dispose?.();
      await promptCache?.dispose();
      await native.dispose();
      await weights.native.dispose();
    },
  });
}

/** A configured count stays; any other is where the engine begins. */
function chooseThreads(
  options: TextModelOptions,
  { start, weightBytes }: { readonly start: number; readonly weightBytes: number },
): ThreadChoice {
  if (options.threads > 0) return fixedThreads(options.threads);
  const candidates = threadCandidates({ cores: start, logicalCores: availableParallelism() });
  return new ThreadTuner({
    candidates,
    start,
    plausibleMs: plausibleTokenMs(weightBytes),
    now: () => performance.now(),
  });
}

/** @throws ServerError `model_load_failed` where another option, or the model, cannot be had reproducible */
function assertReproducible(
  path: string,
  { options, canTrim }: { readonly options: TextModelOptions; readonly canTrim: boolean },
): void {
  if (options.flashAttention === true)
    throw loadFailure(path, "'reproducible' and 'flash_attention' exclude each other");
  if (options.kvCacheType === "q8_0" || options.kvCacheType === "q4_0") {
    throw loadFailure(
      path,
      `a KV cache of ${options.kvCacheType} needs flash attention, which 'reproducible' switches off`,
    );
  }
  if (options.draftModel !== null) throw loadFailure(path, "'reproducible' and 'draft_model' exclude each other");
  if (!canTrim) throw loadFailure(path, "a recurrent model cannot be 'reproducible'");
}

function withDraft(description: ModelDescription, guesser: Guesser | undefined): ModelDescription {
  return { ...description, memoryBytes: description.memoryBytes + (guesser?.memoryBytes ?? 0) };
}

/**
 * The draft model with a context of its own, when one is configured.
 * @throws ServerError `model_load_failed`, also where it cannot draft for `target`
 */
async function createDraft(
  { options, weights, context }: Omit<Creation, "spec">,
  target: NativeContextHandle,
  contextSize: number,
): Promise<DraftGuesser | undefined> {
  if (options.draftModel === null) return undefined;
  const path = options.draftModel;
  const draft = await loadWeights({ path, options: { ...options, lora: [] } }, context);
  try {
    const native = await createContext(draft, {
      path,
      contextSize,
      sequences: startOf(options),
      batchSize: Math.max(options.batchSize, startOf(options)),
      threads: options.threads || availableParallelism(),
      flashAttention: options.flashAttention,
      kvCacheType: options.kvCacheType,
    });
    if (!draft.native.canTrimSequences) throw loadFailure(path, "a recurrent model cannot draft");
    try {
      target.assertDraftCompatible(native);
    } catch (error) {
      throw loadFailure(
        path,
        `it cannot draft for this model (${error instanceof Error ? error.message : String(error)})`,
      );
    }
    return new DraftGuesser({
      model: draft.native,
      context: native,
      threads: resolveThreads({ options, weights: draft }),
      parallel: startOf(options),
      isEndOfGeneration: (token) => weights.vocabulary.isEndOfGeneration(token),
    });
  } catch (error) {
    await draft.native.dispose();
    throw error;
  }
}

async function createEmbedding({ spec, options, weights, context }: Creation): Promise<Backend> {
  const { facts } = weights;
  const maxTokens = options.embeddingOptions.maxTokens || resolveContextSize(options.contextSize, facts);
  const native = await createContext(weights, {
    path: spec.path,
    contextSize: maxTokens,
    sequences: 1,
    // What is pooled over has to be computed in one batch.
    batchSize: facts.pooling === "last" ? Math.min(options.batchSize, maxTokens) : maxTokens,
    threads: options.threads || availableParallelism(),
    flashAttention: options.flashAttention,
    kvCacheType: options.kvCacheType,
    embeddings: true,
    loras: weights.loras,
  });
  const threads = resolveThreads({ options, weights });
  native.setThreads(threads);
  const embedder = new LlamaEmbedder({
    context: native,
    vocabulary: weights.vocabulary,
    options: options.embeddingOptions,
    maxTokens,
    embeddingSize: facts.embeddingSize,
    pooling: facts.pooling,
    stripsAccents: facts.stripsAccents,
    maxQueue: options.maxQueue,
  });
  const description = await describeModel(
    { spec, options, weights, context },
    { native, threads, contextSize: maxTokens, parallel: { start: 1, maximum: 1 } },
  );
  return createBackend(description, {
    handlers: { embedding: single((request, signal) => embedder.embed(request, signal)) },
    dispose: async () => {
      await native.dispose();
      await weights.native.dispose();
    },
  });
}
