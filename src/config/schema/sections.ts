// The sections of the configuration file beside `models` and `aliases`: their keys, with defaults and descriptions. Each key is
// registered in `settingRegistry` with the flag that it is too; the name of its variable follows from the flag.
import { z } from "zod";
import { duration, durationOrAuto, integer, listOfText, memoryAmount, oneOf, size, text } from "./values.ts";

/** The names by which a key of the file is a flag and a variable too. */
export interface SettingMeta {
  /** Flag without its dashes; the variable is `HEARTH_` and the same in capitals. */
  readonly flag: string;
  /** Stands for the value in the help text. */
  readonly placeholder: string;
  readonly [key: string]: unknown;
}

export const settingRegistry = z.registry<SettingMeta>();

function setting<T extends z.ZodType>(schema: T, meta: SettingMeta & { readonly description: string }): T {
  const described = schema.describe(meta.description);
  settingRegistry.add(described, meta);
  return described;
}

export const serverSection = z.strictObject({
  host: setting(text().default("127.0.0.1"), {
    flag: "host",
    placeholder: "HOST",
    description: "Address to listen on. 0.0.0.0 = every network of the machine: set api_keys then.",
  }),
  port: setting(integer(0, 65_535).default(8484), {
    flag: "port",
    placeholder: "PORT",
    description: "Port to listen on. 0 = a free one, which is printed.",
  }),
  api_keys: setting(listOfText().default([]), {
    flag: "api-key",
    placeholder: "KEY",
    description:
      "Keys of which a caller must send one as `Authorization: Bearer KEY`. None = no key is asked for. " +
      "Prefer the variable: flags are visible in the process list.",
  }),
  allowed_hosts: setting(listOfText().default([]), {
    flag: "allowed-host",
    placeholder: "NAME",
    description:
      "Names that a request's Host header may carry, beside localhost, addresses and the host above: keeps web pages " +
      "from reaching the server by DNS rebinding. `*` = any.",
  }),
  allowed_origins: setting(listOfText().default([]), {
    flag: "allowed-origin",
    placeholder: "ORIGIN",
    description:
      "Origins of web pages that may call the server (CORS), such as https://app.example, beside pages that this machine " +
      "serves. `*` = any.",
  }),
  body_limit: setting(size().prefault("25MB"), {
    flag: "body-limit",
    placeholder: "SIZE",
    description: "Largest request body; a larger one is refused with 413.",
  }),
  max_connections: setting(integer(0).default(1024), {
    flag: "max-connections",
    placeholder: "COUNT",
    description: "Open connections beyond which new ones are closed. 0 = no limit.",
  }),
  max_concurrent_requests: setting(integer(0).default(512), {
    flag: "max-concurrent-requests",
    placeholder: "COUNT",
    description: "Requests at once beyond which further ones get 429. 0 = no limit.",
  }),
  request_timeout: setting(duration().prefault("1h"), {
    flag: "request-timeout",
    placeholder: "DURATION",
    description: "Longest time that one request may take, its wait in the queue included. 0 = no limit.",
  }),
  shutdown_timeout: setting(duration().prefault("10s"), {
    flag: "shutdown-timeout",
    placeholder: "DURATION",
    description: "How long running requests may go on after the server was told to stop.",
  }),
  sse_ping_interval: setting(duration().prefault("15s"), {
    flag: "sse-ping-interval",
    placeholder: "DURATION",
    description:
      "A stream that has sent nothing for an interval of this length sends a comment, so that clients and proxies keep it " +
      "open. 0 = never.",
  }),
});

export const loggingSection = z.strictObject({
  level: setting(oneOf(["debug", "info", "warn", "error", "silent"]).default("info"), {
    flag: "log-level",
    placeholder: "LEVEL",
    description: "Least important messages to write: debug, info, warn, error or silent.",
  }),
  format: setting(oneOf(["auto", "pretty", "json"]).default("auto"), {
    flag: "log-format",
    placeholder: "FORMAT",
    description: "json: one object per line. pretty: for people. auto: pretty on a terminal, else json.",
  }),
});

export const memorySection = z.strictObject({
  budget: setting(memoryAmount().prefault("auto"), {
    flag: "memory-budget",
    placeholder: "SIZE",
    description:
      "Memory that all loaded models together may hold; idle models are unloaded to stay under it. " +
      "A size, a share such as 60%, or auto = 80% of the machine's (or container's) memory.",
  }),
});

export const runnersSection = z.strictObject({
  start_timeout: setting(duration().prefault("30s"), {
    flag: "runner-start-timeout",
    placeholder: "DURATION",
    description: "How long a runner process may take to start.",
  }),
  load_timeout: setting(duration().prefault("10m"), {
    flag: "runner-load-timeout",
    placeholder: "DURATION",
    description: "How long a model may take to load.",
  }),
  hang_timeout: setting(duration().prefault("5m"), {
    flag: "runner-hang-timeout",
    placeholder: "DURATION",
    description:
      "A busy runner that gives no sign of life for so long is ended; the next request loads its model anew. 0 = never.",
  }),
  stream_interval: setting(durationOrAuto().prefault("auto"), {
    flag: "stream-interval",
    placeholder: "DURATION",
    description:
      "Tokens that come faster than this are sent together, each as its own event. The first one is never held back. " +
      "auto = 5ms while a model computes on every core of the machine, because sending then takes time from it; else 0.",
  }),
  gpu: setting(oneOf(["auto", "off", "any"]).default("auto"), {
    flag: "gpu",
    placeholder: "WHICH",
    description:
      "auto: a GPU computes what one is found for that gives the CPU's results; each model can choose for itself. off: none, " +
      "whatever a model chooses. any: software GPUs too (SwiftShader, llvmpipe), which are slower than the CPU; for tests.",
  }),
  cache_directory: setting(text().optional(), {
    flag: "cache-directory",
    placeholder: "FOLDER",
    description:
      "Folder for what survives a restart, such as the states of long prompts. Left out = the user's cache folder (~/.cache/hearth).",
  }),
});

export const hubSection = z.strictObject({
  models_dirs: setting(listOfText().default([]), {
    flag: "models-dir",
    placeholder: "FOLDER",
    description:
      "Folders whose models are served by their file's name: .gguf files, ONNX and Stable Diffusion folders.",
  }),
  offer: setting(oneOf(["pulled", "found", "none"]).default("pulled"), {
    flag: "offer",
    placeholder: "WHICH",
    description:
      "Models that are served although `models` does not name them. pulled = what hearth pull has fetched, and models_dirs; " +
      "found = also what other programs have (hearth list --discover); none = only what is configured.",
  }),
  store_directory: setting(text().optional(), {
    flag: "store-directory",
    placeholder: "FOLDER",
    description:
      "Folder for pulled models that do not come from the Hugging Face hub, and for the list of what was pulled. Models of the hub " +
      "lie in its shared cache (HF_HUB_CACHE). Left out = the user's data folder (~/.local/share/hearth).",
  }),
  known_models: setting(text().optional(), {
    flag: "known-models",
    placeholder: "FILE",
    description:
      "Your own list of known models, which adds to Hearth's (config/known-models.yaml has the form). " +
      "Left out = ~/.config/hearth/known-models.yaml, if it exists.",
  }),
});

export const defaultsSection = z.strictObject({
  text: setting(text().optional(), {
    flag: "default-text",
    placeholder: "NAME",
    description:
      "Model that the examples at start name for chat and completions; a request must name one itself. " +
      "Left out = the first text model.",
  }),
  embedding: setting(text().optional(), {
    flag: "default-embedding",
    placeholder: "NAME",
    description: "Model that answers embeddings when a request names none. Left out = the first embedding model.",
  }),
  rerank: setting(text().optional(), {
    flag: "default-rerank",
    placeholder: "NAME",
    description:
      "Model that the examples at start name for rerank; a request must name one itself. Left out = the first cross-encoder.",
  }),
  image: setting(text().optional(), {
    flag: "default-image",
    placeholder: "NAME",
    description: "Model that makes images when a request names none. Left out = the first image model.",
  }),
  openai_names: setting(oneOf(["on", "off"]).default("off"), {
    flag: "openai-names",
    placeholder: "ON|OFF",
    description:
      "on: names of OpenAI's models (gpt-4o, o3, text-embedding-3-small, gpt-image-1, ... and their dated versions) stand for the default " +
      "model of their kind. A model or an alias of such a name goes before.",
  }),
});
