// A configured model: its name, its kind, and the options of its kind. They are plain data, because they cross to the runner process,
// whose backend reads them.
import type { BackendDescription } from "./backend.ts";

/** Which backend hosts a model. `upstream` is another OpenAI-compatible server; this version cannot load such a model. */
export type ModelKind = "text" | "embedding" | "image" | "upstream";

/** One configured model. */
export interface ModelSpec {
  /** The id that callers use; may contain slashes. */
  readonly id: string;
  readonly kind: ModelKind;
  /** Absolute path of the model file or folder, or the base URL of an upstream. */
  readonly path: string;
  /** Options of the model's kind, already validated and with defaults filled in. */
  readonly options: ModelOptions;
  /** Unix seconds: when the weights were last modified; `created` in the model list. */
  readonly createdSeconds: number;
  /** Idle milliseconds after which the model is unloaded; 0 = never. */
  readonly ttlMs: number;
  /** A pinned model is never evicted to make room. */
  readonly pinned: boolean;
  /** Load when the server starts rather than at the first request. */
  readonly preload: boolean;
  /** Only shows how things work: any other model of its purpose is the default before it. */
  readonly demonstration?: boolean;
}

export type ModelOptions = TextModelOptions | EmbeddingModelOptions | ImageModelOptions | UpstreamModelOptions;

/** Options of a GGUF model (`kind: text`). */
export interface TextModelOptions {
  readonly kind: "text";
  /** Context per sequence, tokens. 0 = what the model was trained with, at most 8,192. */
  readonly contextSize: number;
  /** Sequences that generate at once; `auto` = a few, and more while requests wait and the memory budget allows it. */
  readonly parallel: "auto" | number;
  /** Prompt tokens per decode step over all sequences. */
  readonly batchSize: number;
  /** 0 = the cores that the process may use, corrected by the speed of the steps that are run. */
  readonly threads: number;
  /** Layers on the GPU: `auto`, `max`, or a count. */
  readonly gpuLayers: "auto" | "max" | number;
  readonly flashAttention: "auto" | boolean;
  /** Every answer is the same token for token, whatever else the model is asked at the same time. */
  readonly reproducible: boolean;
  /** Weights are mapped from the file (true) or read into memory (false); `auto` = read where they are small and may lie in huge pages. */
  readonly mmap: "auto" | boolean;
  /** Layers with a sliding window keep the whole context (true) or the window (false); `auto` = the window. */
  readonly swaFullCache: "auto" | boolean;
  readonly kvCacheType: "f16" | "f32" | "q8_0" | "q4_0";
  readonly lora: readonly { readonly path: string; readonly scale: number }[];
  /** Path of a smaller GGUF of the same vocabulary for speculative decoding. */
  readonly draftModel: string | null;
  /** Tokens guessed per step by prompt lookup (0 = off) when there is no draft model. */
  readonly promptLookup: number;
  /** Jinja text or path of a file, in place of the model's own template. */
  readonly chatTemplate: string | null;
  /** Variables for the template; those of a request win over them. */
  readonly chatTemplateKwargs: Readonly<Record<string, unknown>>;
  /** Tool-call and reasoning family; `auto` reads it from the template. */
  readonly family: string;
  /** Tokens of reasoning for requests that name neither budget nor effort; `null` = no limit. */
  readonly thinkingBudget: number | null;
  /** Bytes on the disk for the states of earlier prompts. 0 = none are kept. */
  readonly prefixStoreBytes: number;
  /** Requests that may wait for a sequence before the next one is refused with 429. */
  readonly maxQueue: number;
  /** Values for requests that name none. */
  readonly defaults: {
    readonly temperature: number;
    readonly topP: number;
    readonly topK: number;
    readonly minP: number;
    readonly repeatPenalty: number;
    /** 0 = up to the end of the context. */
    readonly maxTokens: number;
  };
  /** Serve `/v1/embeddings` from this GGUF rather than chat. */
  readonly embedding: boolean;
  readonly embeddingOptions: Pick<EmbeddingModelOptions, EmbeddingTextOption>;
}

type EmbeddingTextOption =
  | "queryPrefix"
  | "passagePrefix"
  | "defaultPrefix"
  | "prompts"
  | "tokenIds"
  | "normalize"
  | "truncation"
  | "dimensions"
  | "maxTokens";

/** Options of an ONNX encoder (`kind: embedding`); also cross-encoders for reranking. */
export interface EmbeddingModelOptions {
  readonly kind: "embedding";
  /** File of the graph relative to the folder, without `.onnx`; `null` = chosen by `precision`. */
  readonly modelFile: string | null;
  /** `auto` = fp32 where it exists. */
  readonly precision: "auto" | "fp32" | "fp16" | "int8" | "q8" | "q4" | "uint8" | "bnb4" | "q4f16";
  /** `auto` = read from the model's own files, else the last token of a decoder and the mean of other tokens. */
  readonly pooling: "auto" | "mean" | "cls" | "last" | "max" | "mean_sqrt_len" | "weightedmean";
  /** Vectors are scaled to length 1 whatever the model's modules do. */
  readonly normalize: boolean;
  readonly queryPrefix: string;
  readonly passagePrefix: string;
  /** Before texts whose request names neither role nor prompt; empty = nothing. */
  readonly defaultPrefix: string;
  /** Texts by the names under which requests ask for them. */
  readonly prompts: Readonly<Record<string, string>>;
  /** Whose token ids requests send: the model's own, OpenAI's, or OpenAI's where it is asked for by a name of theirs (`auto`). */
  readonly tokenIds: "auto" | "model" | "cl100k";
  /** 0 = read from the model's own files. */
  readonly maxTokens: number;
  readonly truncation: "truncate" | "error";
  /** Smallest `dimensions` a request may ask for; 0 = the model does not allow cutting. */
  readonly dimensions: number;
  /** Padded tokens per micro-batch. */
  readonly maxBatchTokens: number;
  /** Largest share of padding in a micro-batch, 0..1. */
  readonly maxPaddingShare: number;
  /** 0 = number of cores. */
  readonly threads: number;
  readonly executionProviders: readonly string[];
  readonly maxQueue: number;
}

/** Options of a Stable Diffusion folder (`kind: image`). */
export interface ImageModelOptions {
  readonly kind: "image";
  /** `null` = a default by pipeline (turbo 1, lightning and LCM 4, else 25). */
  readonly steps: number | null;
  /** `null` = a default by pipeline (turbo and lightning 0, LCM 1.5 (8.5 where its UNet takes the guidance as an input), else 7.5). */
  readonly guidanceScale: number | null;
  readonly guidanceRescale: number;
  /** Scheduler by short name; `null` = the folder's own. */
  readonly scheduler: string | null;
  /** `null` = none, which SDXL takes for zeros; an empty text is encoded. */
  readonly negativePrompt: string | null;
  /** Side in pixels when a request says `auto` or nothing; 0 = the model's own. */
  readonly defaultSize: number;
  readonly minSize: number;
  readonly maxSize: number;
  /** Side in pixels that a small demo model was made for; 0 = none declared. */
  readonly nativeSize: number;
  /** Generate at `nativeSize` and resample to the size asked for. Never done unless configured. */
  readonly upscale: boolean;
  /** One graph in memory at a time, but the VAE's decoder beside the UNet while previews are made. */
  readonly lowMemory: boolean;
  /** Guidance as one batch of two, or as two runs; `auto` = one batch where it takes at most an eighth of the machine's memory. */
  readonly guidanceBatch: "auto" | "batch" | "separate";
  /** Side in latent pixels above which the VAE decodes in tiles. */
  readonly vaeTileSize: number;
  readonly safetyChecker: boolean;
  /** Write prompt, seed, steps, sampler and model into the PNG. */
  readonly pngMetadata: boolean;
  readonly threads: number;
  readonly executionProviders: readonly string[];
  readonly maxQueue: number;
}

/** Options of another OpenAI-compatible server (`kind: upstream`). They are read and checked; nothing uses them yet. */
export interface UpstreamModelOptions {
  readonly kind: "upstream";
  /** The model's name at the upstream; `null` = the same id. */
  readonly upstreamModel: string | null;
  /** Name of the environment variable that holds the key; the key itself is never in a file. */
  readonly apiKeyVariable: string | null;
  readonly timeoutMs: number;
}

/** The use of a model to callers. A GGUF model that serves embeddings has the kind `text` and the purpose `embedding`. */
export type ModelPurpose = "text" | "embedding" | "rerank" | "image" | "upstream";

/** A model with the purpose that its files and its options give it. */
export interface ConfiguredModel extends ModelSpec {
  readonly purpose: ModelPurpose;
}

/** One model as the list shows it. An alias is listed under its own id, with the model that it stands for. */
export interface ModelListing {
  readonly id: string;
  readonly spec: Pick<ModelSpec, "kind" | "createdSeconds">;
  /** Set for an alias: the id of the model behind it. */
  readonly aliasOf?: string;
  /** State of the model's life, such as `absent`, `loading`, `ready`. */
  readonly state?: string;
  /** Known from when the model is ready until it has ended. */
  readonly description?: Pick<BackendDescription, "operations" | "facts">;
}
