// Maps the checked entry of a model in the file to the domain's options, one function per kind.
import type {
  EmbeddingModelOptions,
  ImageModelOptions,
  TextModelOptions,
  UpstreamModelOptions,
  ModelPurpose,
} from "../../domain/model.ts";
import { promptNameOf, readFolderPrompts, type FolderPrompts } from "../../model-files/encoder/prompts.ts";
import type { EmbeddingModelEntry, ImageModelEntry, TextModelEntry, UpstreamModelEntry } from "../schema/models.ts";

export interface TextContext {
  readonly purpose: ModelPurpose;
  /** Makes a file named by an option absolute, and reports it when it does not exist. */
  file(key: string, file: string): string;
}

export function toTextOptions(entry: TextModelEntry, context: TextContext): TextModelOptions {
  const { defaults } = entry;
  return {
    kind: "text",
    contextSize: entry.context_size,
    parallel: entry.parallel,
    batchSize: entry.batch_size,
    threads: entry.threads,
    gpuLayers: entry.gpu_layers,
    flashAttention: entry.flash_attention,
    reproducible: entry.reproducible,
    mmap: entry.mmap,
    swaFullCache: entry.swa_full_cache,
    kvCacheType: entry.kv_cache_type,
    lora: entry.lora.map(({ path, scale }) => ({ path: context.file("lora", path), scale })),
    draftModel: entry.draft_model === undefined ? null : context.file("draft_model", entry.draft_model),
    promptLookup: entry.prompt_lookup,
    chatTemplate: entry.chat_template === undefined ? null : toTemplate(entry.chat_template, context),
    chatTemplateKwargs: entry.chat_template_kwargs,
    family: entry.family,
    thinkingBudget: entry.thinking_budget ?? null,
    prefixStoreBytes: entry.prefix_store,
    maxQueue: entry.max_queue,
    defaults: {
      temperature: defaults.temperature,
      topP: defaults.top_p,
      topK: defaults.top_k,
      minP: defaults.min_p,
      repeatPenalty: defaults.repeat_penalty,
      maxTokens: defaults.max_tokens,
    },
    embedding: entry.embedding === "auto" ? context.purpose === "embedding" : entry.embedding,
    embeddingOptions: toEmbeddingTextOptions(entry.embedding_options, noPrompts),
  };
}

export function toEmbeddingOptions(entry: EmbeddingModelEntry, folder: string): EmbeddingModelOptions {
  return {
    kind: "embedding",
    ...toEmbeddingTextOptions(entry, readFolderPrompts(folder)),
    modelFile: entry.model_file ?? null,
    precision: entry.precision,
    pooling: entry.pooling,
    maxBatchTokens: entry.max_batch_tokens,
    maxPaddingShare: entry.max_padding_share,
    threads: entry.threads,
    executionProviders: entry.execution_providers,
    maxQueue: entry.max_queue,
  };
}

export function toImageOptions(entry: ImageModelEntry): ImageModelOptions {
  return {
    kind: "image",
    steps: entry.steps ?? null,
    guidanceScale: entry.guidance_scale ?? null,
    guidanceRescale: entry.guidance_rescale,
    scheduler: entry.scheduler ?? null,
    negativePrompt: entry.negative_prompt ?? null,
    defaultSize: entry.default_size,
    minSize: entry.min_size,
    maxSize: entry.max_size,
    nativeSize: entry.native_size,
    upscale: entry.upscale,
    lowMemory: entry.low_memory,
    guidanceBatch: entry.guidance_batch,
    vaeTileSize: entry.vae_tile_size,
    safetyChecker: entry.safety_checker,
    pngMetadata: entry.png_metadata,
    threads: entry.threads,
    executionProviders: entry.execution_providers,
    maxQueue: entry.max_queue,
  };
}

export function toUpstreamOptions(entry: UpstreamModelEntry): UpstreamModelOptions {
  return {
    kind: "upstream",
    upstreamModel: entry.upstream_model ?? null,
    apiKeyVariable: entry.api_key_variable ?? null,
    timeoutMs: entry.timeout,
  };
}

/** A GGUF has none. */
const noPrompts: FolderPrompts = { prompts: {}, defaultName: undefined };

function toEmbeddingTextOptions(
  entry: TextModelEntry["embedding_options"],
  found: FolderPrompts,
): TextModelOptions["embeddingOptions"] {
  const textOf = (name: string | undefined): string => (name === undefined ? "" : (found.prompts[name] ?? ""));
  const query = entry.query_prefix ?? textOf(promptNameOf("query", found));
  const passage = entry.passage_prefix ?? textOf(promptNameOf("passage", found));
  const byType = { auto: textOf(found.defaultName), query, passage, none: "" };
  return {
    queryPrefix: query,
    passagePrefix: passage,
    defaultPrefix: byType[entry.default_input_type],
    prompts: {
      ...found.prompts,
      ...(entry.query_prefix === undefined ? {} : { query }),
      ...(entry.passage_prefix === undefined ? {} : { [promptNameOf("passage", found) ?? "passage"]: passage }),
    },
    tokenIds: entry.token_ids,
    normalize: entry.normalize,
    truncation: entry.truncation,
    dimensions: entry.min_dimensions,
    maxTokens: entry.max_tokens,
  };
}

/** A template's text has Jinja's braces or several lines; anything else is the path of a file. */
function toTemplate(written: string, context: TextContext): string {
  return /\{[{%#]|\n/.test(written) ? written : context.file("chat_template", written);
}
