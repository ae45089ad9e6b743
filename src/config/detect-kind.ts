// What a model's path is. The kind of a model is a fact of its files, so nobody has to configure it.
import { readdirSync, readFileSync, statSync, type Stats } from "node:fs";
import { basename, dirname, join } from "node:path";
import type { ModelKind } from "../domain/model.ts";
import type { ModelPurpose } from "./configuration.ts";
import { readGgufFacts } from "./gguf-header.ts";
import { nearestName } from "./nearest.ts";

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
  "expected a .gguf file (text), a folder with tokenizer.json and an ONNX encoder (embedding), " +
  "a folder with model_index.json (image), or an http(s) URL (upstream)";

/** Architectures of GGUF files that have no language head: they can only embed. */
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

/** True for `http://...` and `https://...`. */
export function isUrl(path: string): boolean {
  return /^https?:\/\//i.test(path);
}

/**
 * Finds the kind of a model from what its path is:
 * 1. an http(s) URL is an upstream;
 * 2. a path that does not exist is refused, with the nearest name beside it;
 * 3. a file that begins as GGUF is text (its purpose `embedding` when it has no language head or asks for pooling);
 * 4. a folder with model_index.json is image;
 * 5. a folder with a tokenizer and ONNX graphs is embedding (its purpose `rerank` when it is a cross-encoder);
 * 6. anything else is refused with what was expected and what is there.
 */
export function inspectPath(path: string): PathFinding {
  if (isUrl(path)) return inspectUrl(path); // 1.
  const stats = statSync(path, { throwIfNoEntry: false });
  if (stats === undefined) return { ok: false, message: describeMissing(path) }; // 2.
  if (stats.isFile()) return inspectFile(path, stats); // 3.
  if (!stats.isDirectory()) return { ok: false, message: `is neither a file nor a folder: ${path}` };
  const names = readdirSync(path).toSorted();
  if (names.includes("model_index.json")) {
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
  const facts = readGgufFacts(path);
  if (facts === null) {
    const isNamedGguf = path.toLowerCase().endsWith(".gguf");
    const hint =
      basename(path) === "model_index.json" || path.endsWith(".onnx") ? ` Give the folder: ${dirname(path)}` : "";
    const found = isNamedGguf
      ? "this file is named .gguf but does not begin as one (a download cut short?)"
      : "this is another kind of file";
    return { ok: false, message: `cannot be served: ${expected}; ${found}: ${path}${hint}` };
  }
  if (facts.type === "adapter") {
    return { ok: false, message: `is a LoRA adapter, not a model; name it under lora: of its model: ${path}` };
  }
  if (facts.type === "mmproj" || facts.architecture === "clip") {
    return { ok: false, message: `is a vision projector, not a model: ${path}` };
  }
  const embeds =
    (facts.poolingType !== null && facts.poolingType > 0 && facts.poolingType < 4) ||
    embeddingArchitectures.has(facts.architecture ?? "");
  return {
    ok: true,
    kind: "text",
    purpose: embeds ? "embedding" : "text",
    modifiedSeconds: Math.floor(stats.mtimeMs / 1000),
  };
}

/** ONNX graphs where Hugging Face repositories put them. */
function graphsIn(folder: string, names: readonly string[]): string[] {
  const inside = names.includes("onnx") && statSync(join(folder, "onnx")).isDirectory();
  const nested = inside ? readdirSync(join(folder, "onnx")).map((name) => join("onnx", name)) : [];
  return [...names, ...nested].filter((name) => name.endsWith(".onnx")).map((name) => join(folder, name));
}

/** A sequence classifier scores a pair of texts instead of embedding one. */
function isCrossEncoder(folder: string): boolean {
  const config = readJson(join(folder, "config.json"));
  const architectures = config?.["architectures"];
  return (
    Array.isArray(architectures) && architectures.some((name) => String(name).endsWith("ForSequenceClassification"))
  );
}

/** A JSON object of the model's own files; `null` when it is absent or broken, which the backend reports at load. */
export function readJson(file: string): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(readFileSync(file, "utf8"));
    return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : null;
  } catch {
    return null;
  }
}

function newestSeconds(files: readonly string[]): number {
  const times = files.map((file) => statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? 0);
  return Math.floor(Math.max(...times) / 1000);
}

/** Names the nearest thing that does exist: a slip in the last name, or the first folder that is not there. */
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
  const found = (): string => {
    const gguf = names.find((name) => name.toLowerCase().endsWith(".gguf"));
    if (gguf !== undefined) return `this folder holds ${gguf}: give the file itself, ${join(path, gguf)}`;
    if (graphs.length > 0) return "this folder has ONNX graphs but no tokenizer.json";
    if (names.includes("tokenizer.json")) {
      return "this folder has a tokenizer but no .onnx graph, at its top or in onnx/ (export the model to ONNX first)";
    }
    if (names.length === 0) return "this folder is empty";
    const shown = names.slice(0, 6).join(", ");
    return `this folder holds ${shown}${names.length > 6 ? ` and ${names.length - 6} more` : ""}`;
  };
  return `cannot be served: ${expected}; ${found()}: ${path}`;
}
