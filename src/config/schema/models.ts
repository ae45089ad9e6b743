// The keys of one model in the configuration file, per kind; `config/models/model-options.ts` maps them to the domain's options. A key
// is its option's name in snake_case, with these exceptions:
// - `path`, `ttl`, `pinned` and `preload` are fields of `ModelSpec`, not options.
// - An option's unit is left out of its key, and the value has it: `timeout: 10m` is `timeoutMs`, `prefix_store: 1GiB` `prefixStoreBytes`.
// - `min_dimensions` is `dimensions`, and `default_input_type` is the prefix that it comes to.
// - A prefix that is left out, and `embedding: auto`, are filled in from the model's own files.
import { z } from "zod";
import { anyText, autoOrList, decimal, duration, integer, oneOf, size, text, toggle } from "./values.ts";

const common = {
  path: text().describe(
    "A .gguf file (text), a folder with a tokenizer and an ONNX encoder (embedding), a folder with model_index.json " +
      "(image), the name or reference of a model that was pulled or found on this machine (qwen3-4b, hf:ORG/REPO:Q4_K_M, " +
      "ollama:NAME), or the http(s) base URL of another OpenAI-compatible server (upstream, which this version cannot load). " +
      "A path is relative to this file's folder.",
  ),
  ttl: duration()
    .prefault(0)
    .describe(
      "Idle time after which the model is unloaded. 0 = never; it still makes room when another model needs it.",
    ),
  pinned: toggle().default(false).describe("Never unload the model to make room for another."),
  preload: toggle().default(false).describe("Load when the server starts rather than at the first request."),
  demonstration: toggle()
    .default(false)
    .describe("A small model that only shows how things work: any other model of its kind is the default before it."),
};

const modelKinds = {
  text: "A GGUF model: chat and completions, or embeddings.",
  embedding: "An ONNX encoder: embeddings, or reranking.",
  image: "A Stable Diffusion folder: images.",
  upstream: "A model of another OpenAI-compatible server. This version checks its options and cannot load it.",
} as const;

function kind<K extends keyof typeof modelKinds>(name: K) {
  return z
    .literal(name, { error: "must be one of text, embedding, image, upstream" })
    .optional()
    .describe(`Left out = found from what the path is. ${modelKinds[name]}`);
}

const threads = integer(0, 1024).default(0);

const embeddingText = {
  query_prefix: anyText()
    .optional()
    .describe(
      "Written before every query. Left out = the prompt in the model's own files, `query: ` for a model that is called e5, else none.",
    ),
  passage_prefix: anyText()
    .optional()
    .describe(
      "Written before every passage. Left out = the prompt in the model's own files, `passage: ` for a model that is called e5, else none.",
    ),
  default_input_type: oneOf(["auto", "query", "passage", "none"])
    .default("auto")
    .describe(
      "What an input is when the request does not say. none = no prefix. auto = what the model's own files put before every text " +
        "(default_prompt_name), which is mostly nothing; query for a model that is called e5.",
    ),
  token_ids: oneOf(["auto", "model", "cl100k"])
    .default("auto")
    .describe(
      "Whose token ids requests send: the model's own, or those of OpenAI's embedding models (cl100k), which LangChain sends by " +
        "default. auto = OpenAI's where the model is asked for by a name of theirs, such as text-embedding-3-small, else its own.",
    ),
  normalize: toggle()
    .default(true)
    .describe("Scale vectors to length 1. false = only where the model's own modules do."),
  max_tokens: integer(0).default(0).describe("Longest input in tokens. 0 = what the model's own files say."),
  truncation: oneOf(["truncate", "error"])
    .default("truncate")
    .describe("What happens to a longer input: cut its end, or refuse it with 400."),
  min_dimensions: integer(0)
    .default(0)
    .describe("Fewest `dimensions` that a request may ask for. 0 = the model's vectors cannot be cut."),
};

const lora = z
  .strictObject({
    path: text().describe("The adapter, a .gguf file."),
    scale: decimal(-100, 100).default(1).describe("Strength of the adapter."),
  })
  .describe("A LoRA adapter.");

const textDefaults = z.strictObject({
  temperature: decimal(0, 2).default(1).describe("0 = always the likeliest token."),
  top_p: decimal(0, 1).default(1).describe("Share of probability kept. 1 = all."),
  top_k: integer(0).default(40).describe("Likeliest tokens kept. 0 = all."),
  min_p: decimal(0, 1).default(0.05).describe("Least probability kept, as a share of the likeliest token's. 0 = off."),
  repeat_penalty: decimal(0, 10).default(1).describe("Weight against recent tokens. 1 = off."),
  max_tokens: integer(0).default(0).describe("Longest answer in tokens. 0 = up to the end of the context."),
});

export const textModel = z.strictObject({
  ...common,
  kind: kind("text"),
  context_size: integer(0)
    .default(0)
    .describe("Tokens of context per request. 0 = what the model was trained with, at most 8192."),
  parallel: z
    .union([z.literal("auto"), z.number().int().min(1).max(256)], { error: "must be auto, or a count from 1 to 256" })
    .default("auto")
    .describe(
      "Requests that generate at once. auto = 4, and up to 16 once requests wait and the memory budget has room for them.",
    ),
  batch_size: integer(1, 65_536).default(512).describe("Prompt tokens per decode step, over all requests."),
  threads: threads.describe(
    "CPU threads. 0 = the cores that the process may use, and fewer while others keep them busy.",
  ),
  gpu_layers: z
    .union([z.enum(["auto", "max"]), z.number().int().min(0)], { error: "must be auto, max, or a count of layers" })
    .default("auto")
    .describe(
      "Layers on the GPU: auto (as many as fit, on a GPU that gives the CPU's results), max, or a count. 0 = the CPU.",
    ),
  flash_attention: z
    .union([z.literal("auto"), z.boolean()], { error: "must be auto, true or false" })
    .default("auto")
    .describe("Flash attention: auto, true or false."),
  reproducible: toggle()
    .default(false)
    .describe(
      "The same request and seed give the same answer, token for token, whatever else the model is asked at the same time. " +
        "Flash attention is off then, nothing is guessed ahead, and no batch has a single row, which takes time.",
    ),
  mmap: z
    .union([z.literal("auto"), z.boolean()], { error: "must be auto, true or false" })
    .default("auto")
    .describe(
      "Map the file rather than read it: starts sooner, and processes and the page cache share the memory. auto = read it " +
        "where Linux can then keep it in huge pages, which computes faster, and where it is small beside the free memory.",
    ),
  swa_full_cache: z
    .union([z.literal("auto"), z.boolean()], { error: "must be auto, true or false" })
    .default("auto")
    .describe(
      "Only for models with a sliding window: keep the cells of the whole context in layers that attend to the window alone, so " +
        "that any earlier prefix can be reused. auto = false: what the window has left is reused from checkpoints.",
    ),
  kv_cache_type: oneOf(["f16", "f32", "q8_0", "q4_0"]).default("f16").describe("Precision of the KV cache."),
  lora: z
    .array(lora, { error: "must be a list of { path, scale }" })
    .default([])
    .describe("LoRA adapters, all applied."),
  draft_model: text()
    .optional()
    .describe("A smaller .gguf of the same vocabulary, which guesses ahead (speculative decoding)."),
  prompt_lookup: integer(0, 64)
    .default(0)
    .describe("Tokens guessed per step from the prompt itself, when there is no draft model. 0 = off."),
  chat_template: text()
    .optional()
    .describe("Jinja template in place of the model's own: its text, or the path of a file."),
  chat_template_kwargs: z
    .record(z.string(), z.unknown(), { error: "must map names to values" })
    .default({})
    .describe("Variables for the template; those of a request win."),
  family: text()
    .default("auto")
    .describe(
      "How the model writes tool calls and reasoning, such as hermes or llama3. auto = read from its template.",
    ),
  thinking_budget: integer(0)
    .optional()
    .describe(
      "Tokens of reasoning after which it is closed and the answer begins, when a request names neither a budget nor an " +
        "effort. 0 = no reasoning. Left out = no limit.",
    ),
  prefix_store: size()
    .prefault(2 ** 30)
    .describe(
      "Disk space in the cache directory for the states of earlier prompts, so that they need not be evaluated again when they " +
        "come back, after a restart too. 0 = none.",
    ),
  max_queue: integer(0).default(256).describe("Requests that may wait; the next one gets 429."),
  defaults: textDefaults.prefault({}).describe("What a request gets when it names no value."),
  embedding: z
    .union([z.literal("auto"), z.boolean()], { error: "must be auto, true or false" })
    .default("auto")
    .describe("Serve embeddings rather than chat. auto = when the file says that it is an embedding model."),
  embedding_options: z.strictObject(embeddingText).prefault({}).describe("Only for a model that serves embeddings."),
});

const executionProviders = autoOrList()
  .prefault("auto")
  .describe(
    "Where the graphs are computed. auto = each on a GPU (CUDA, CoreML, DirectML or WebGPU) that gives the CPU's result and is " +
      "not slower, found out by one small run and remembered; else on the CPU. Or a list of ONNX Runtime's devices in order of " +
      "preference, such as [cuda, cpu]; what is missing is skipped with a warning.",
  );

export const embeddingModel = z.strictObject({
  ...common,
  kind: kind("embedding"),
  ...embeddingText,
  model_file: text()
    .optional()
    .describe(
      "The graph's file inside the folder, without .onnx, such as model_optimized. Left out = chosen by precision.",
    ),
  precision: oneOf(["auto", "fp32", "fp16", "int8", "q8", "q4", "uint8", "bnb4", "q4f16"])
    .default("auto")
    .describe("Which variant of the graph. auto = fp32 where it exists."),
  pooling: oneOf(["auto", "mean", "cls", "last", "max", "mean_sqrt_len", "weightedmean"])
    .default("auto")
    .describe(
      "How token vectors become one. auto = read from the model's own files, else the last token of a decoder and the mean of others.",
    ),
  max_batch_tokens: integer(1).default(256).describe("Tokens per micro-batch, padding included. More suits a GPU."),
  max_padding_share: decimal(0, 1).default(0.1).describe("Largest share of padding in a micro-batch."),
  threads: threads.describe("CPU threads. 0 = as many as there are cores."),
  execution_providers: executionProviders,
  max_queue: integer(0).default(256).describe("Requests that may wait; the next one gets 429."),
});

/** The samplers' names. They repeat those of the diffusion backend, which is on a higher floor; a test keeps the two lists equal. */
export const samplerNames = [
  "euler",
  "euler_a",
  "dpmpp_2m",
  "dpmpp_2m_karras",
  "ddim",
  "pndm",
  "lcm",
  "unipc",
  "heun",
] as const;

export const imageModel = z.strictObject({
  ...common,
  kind: kind("image"),
  steps: integer(1, 1000)
    .optional()
    .describe("Denoising steps. Left out = by pipeline: turbo 1, lightning and LCM 4, else 25."),
  guidance_scale: decimal(0, 100)
    .optional()
    .describe(
      "How closely to follow the prompt. Left out = by pipeline: turbo and lightning 0, LCM 1.5 (8.5 where its UNet takes the guidance as an input), else 7.5.",
    ),
  guidance_rescale: decimal(0, 1).default(0).describe("Correction against over-exposure by guidance. 0 = off."),
  scheduler: oneOf(samplerNames).optional().describe("Sampler. Left out = the folder's own."),
  negative_prompt: anyText()
    .optional()
    .describe(
      "What images should not show, when a request does not say. Left out = nothing, for which SDXL takes zeros; an empty text is encoded.",
    ),
  default_size: integer(0, 8192)
    .default(0)
    .describe("Side in pixels when a request names no size. 0 = the model's own."),
  min_size: integer(8, 8192).default(64).describe("Smallest side in pixels that a request may ask for."),
  max_size: integer(8, 8192).default(2048).describe("Largest side in pixels that a request may ask for."),
  native_size: integer(0, 8192)
    .default(0)
    .describe("Side in pixels that a small demo model was made for. 0 = not one."),
  upscale: toggle().default(false).describe("Generate at native_size and resample to what was asked for."),
  low_memory: toggle()
    .default(false)
    .describe("Keep one part of the pipeline in memory at a time; two while previews are made."),
  guidance_batch: oneOf(["auto", "batch", "separate"])
    .default("auto")
    .describe(
      "Guidance as one batch of two, or as two runs with half the memory. auto = one batch where a step of it takes at most " +
        "an eighth of the machine's memory.",
    ),
  vae_tile_size: integer(8, 8192)
    .default(128)
    .describe("Side in latent pixels (one eighth of the image's) above which the picture is decoded in tiles."),
  safety_checker: toggle().default(false).describe("Use the folder's safety checker."),
  png_metadata: toggle().default(true).describe("Write prompt, seed, steps, sampler and model into the PNG."),
  threads: threads.describe("CPU threads. 0 = as many as there are cores."),
  execution_providers: executionProviders,
  max_queue: integer(0).default(16).describe("Requests that may wait; the next one gets 429."),
});

export const upstreamModel = z.strictObject({
  ...common,
  kind: kind("upstream"),
  upstream_model: text().optional().describe("The model's name at the upstream. Left out = the same name."),
  api_key_variable: text()
    .optional()
    .describe("Name of the environment variable that holds the upstream's key; the key itself is never in a file."),
  timeout: duration().prefault("10m").describe("Longest wait for the upstream's next byte."),
});

/** The schema of each kind, by its name. */
export const modelSchemas = { text: textModel, embedding: embeddingModel, image: imageModel, upstream: upstreamModel };

export type TextModelEntry = z.output<typeof textModel>;
export type EmbeddingModelEntry = z.output<typeof embeddingModel>;
export type ImageModelEntry = z.output<typeof imageModel>;
export type UpstreamModelEntry = z.output<typeof upstreamModel>;
