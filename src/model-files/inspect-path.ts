// Finds the kind and purpose of a model from its path, so that nobody has to configure them.
import { readdirSync, statSync, type Stats } from "node:fs";
import { basename, dirname, join } from "node:path";
import type { ModelKind, ModelPurpose } from "../domain/model.ts";
import { peekGgufValues } from "./gguf/gguf-reader.ts";
import { peekJsonObject } from "./json-file.ts";
import { refusedPipeline } from "./refused-pipeline.ts";
import { nearestName } from "../util/nearest.ts";

export type PathFinding =
  | {
      readonly ok: true;
      readonly kind: ModelKind;
      readonly purpose: ModelPurpose;
      /** Unix seconds of the newest weights; `null` for an upstream. */
      readonly modifiedSeconds: number | null;
    }
  | { readonly ok: false; readonly message: string };

const expected =
  "Expected a .gguf file (text), a folder with tokenizer.json and an ONNX encoder (embedding), " +
  "a folder with model_index.json (image), or an http(s) URL (upstream).";

/** Architectures without a language head, which can only embed. */
const embeddingArchitectures = new Set([
  "bert",
  "modern-bert",
  "nomic-bert",
  "nomic-bert-moe",
  "neo-bert",
  "jina-bert-v2",
  "jina-bert-v3",
  "eurobert",
  "gemma-embedding",
]);

/** Value of `pooling_type` (llama.cpp's `llama_pooling_type`) in a cross-encoder. */
const rankPooling = 4;

/** True for `http://...` and `https://...`. */
export function isUrl(path: string): boolean {
  return /^https?:\/\//i.test(path);
}

/**
 * Finds the kind of a model from its path:
 * 1. an http(s) URL is an upstream;
 * 2. a path that does not exist is refused, with the nearest name beside it;
 * 3. a file that begins as GGUF is text (its purpose `embedding` when it has no language head or asks for pooling);
 * 4. a folder with model_index.json is image, or refused where its pipeline is of another kind;
 * 5. a folder with a tokenizer and ONNX graphs is embedding (its purpose `rerank` when it is a cross-encoder);
 * 6. anything else is refused with what was expected and what is there.
 */
export function inspectPath(path: string): PathFinding {
  try {
    return inspect(path);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === undefined) throw error;
    return { ok: false, message: `cannot be read (${code}): ${path}` };
  }
}

function inspect(path: string): PathFinding {
  if (isUrl(path)) return inspectUrl(path); // 1.
  const stats = statSync(path, { throwIfNoEntry: false });
  if (stats === undefined) return { ok: false, message: describeMissing(path) }; // 2.
  if (stats.isFile()) return inspectFile(path, stats); // 3.
  if (!stats.isDirectory()) return { ok: false, message: `is neither a file nor a folder: ${path}` };
  const names = readdirSync(path).toSorted();
  if (names.includes("model_index.json")) {
    const className = peekJsonObject(join(path, "model_index.json"))?.["_class_name"];
    const refused = refusedPipeline(names, typeof className === "string" ? className : "");
    if (refused !== undefined) return { ok: false, message: `${refused} (${path})` };
    const modifiedSeconds = newestSeconds([join(path, "model_index.json"), join(path, "unet", "model.onnx")]);
    return { ok: true, kind: "image", purpose: "image", modifiedSeconds }; // 4.
  }
  const graphs = graphsIn(path, names);
  if (graphs.length > 0 && names.includes("tokenizer.json")) {
    const purpose = isCrossEncoder(path) ? "rerank" : "embedding";
    return { ok: true, kind: "embedding", purpose, modifiedSeconds: newestSeconds(graphs) }; // 5.
  }
  return { ok: false, message: describeFolder(path, names, graphs) }; // 6.
}

function inspectUrl(path: string): PathFinding {
  return URL.canParse(path)
    ? { ok: true, kind: "upstream", purpose: "upstream", modifiedSeconds: null }
    : { ok: false, message: `is not a valid URL: ${path}` };
}

function inspectFile(path: string, stats: Stats): PathFinding {
  const values = peekGgufValues(path);
  const refuse = (message: string): PathFinding => ({ ok: false, message });
  if (values === undefined) {
    if (/\.gguf$/i.test(path)) {
      return refuse(`cannot be served: ${path} is named .gguf but does not begin as one (a download cut short?)`);
    }
    const isPart = basename(path) === "model_index.json" || path.endsWith(".onnx");
    const hint = isPart ? ` is one file of a model: give its folder, ${dirname(path)}.` : " is another kind of file.";
    return refuse(`cannot be served: ${path}${hint} ${expected}`);
  }
  const type = values.get("general.type");
  const architecture = values.get("general.architecture");
  const poolingType = values.get(`${String(architecture)}.pooling_type`);
  if (type === "adapter") return refuse(`is a LoRA adapter: name it under lora: of its model (${path})`);
  if (type === "mmproj" || architecture === "clip") {
    return refuse(`is a vision projector and no model of its own (${path})`);
  }
  if (poolingType === rankPooling) {
    return refuse(`is a GGUF reranker, which is not served: use its ONNX export, a folder (${path})`);
  }
  const asksForPooling = typeof poolingType === "number" && poolingType > 0;
  const embeds = asksForPooling || embeddingArchitectures.has(String(architecture));
  return {
    ok: true,
    kind: "text",
    purpose: embeds ? "embedding" : "text",
    modifiedSeconds: Math.floor(stats.mtimeMs / 1000),
  };
}

/** The ONNX graphs at a folder's top and in its `onnx/`, where Hugging Face repositories have them. */
function graphsIn(folder: string, names: readonly string[]): string[] {
  const inside = names.includes("onnx") && statSync(join(folder, "onnx")).isDirectory();
  const nested = inside ? readdirSync(join(folder, "onnx")).map((name) => join("onnx", name)) : [];
  return [...names, ...nested].filter((name) => name.endsWith(".onnx")).map((name) => join(folder, name));
}

/** A sequence classifier scores a pair of texts instead of embedding one. */
function isCrossEncoder(folder: string): boolean {
  const config = peekJsonObject(join(folder, "config.json"));
  const architectures = config?.["architectures"];
  return (
    Array.isArray(architectures) && architectures.some((name) => String(name).endsWith("ForSequenceClassification"))
  );
}

function newestSeconds(files: readonly string[]): number {
  const times = files.map((file) => statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? 0);
  return Math.floor(Math.max(...times) / 1000);
}

/** Says which part of the path is missing, and the most similar name that exists in its place. */
function describeMissing(path: string): string {
  let missing = path;
  while (dirname(missing) !== missing && statSync(dirname(missing), { throwIfNoEntry: false }) === undefined) {
    missing = dirname(missing);
  }
  const folder = dirname(missing);
  const siblings = statSync(folder, { throwIfNoEntry: false })?.isDirectory() === true ? readdirSync(folder) : [];
  const nearest = nearestName(basename(missing), siblings);
  const because = missing === path ? "" : ` (there is no ${missing})`;
  return `does not exist: ${path}${because}${nearest === null ? "" : `; did you mean ${join(folder, nearest)}?`}`;
}

function describeFolder(path: string, names: readonly string[], graphs: readonly string[]): string {
  const gguf = names.find((name) => name.toLowerCase().endsWith(".gguf"));
  if (gguf !== undefined) return `is a folder that holds ${gguf}: give the file itself, ${join(path, gguf)}`;
  const found = (): string => {
    if (graphs.length > 0) return "has ONNX graphs but no tokenizer.json";
    if (names.includes("tokenizer.json")) return "has a tokenizer but no .onnx graph, neither at its top nor in onnx/";
    if (names.length === 0) return "is empty";
    const shown = names.slice(0, 6).join(", ");
    return `holds ${shown}${names.length > 6 ? ` and ${names.length - 6} more` : ""}`;
  };
  return `cannot be served: the folder ${path} ${found()}. ${expected}`;
}
