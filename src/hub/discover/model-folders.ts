// Finds the models below a folder of any layout: .gguf files, and folders that are an ONNX encoder or a Stable Diffusion pipeline.
import { readdirSync, type Dirent } from "node:fs";
import { join } from "node:path";
import { isGgufModel } from "../choose/gguf-files.ts";
import { sizeOf } from "./found-model.ts";

export interface ModelPath {
  /** Relative to the folder, with `/`; without `.gguf`, and without the number of the first of several parts. */
  readonly name: string;
  /** Absolute. */
  readonly path: string;
  readonly bytes: number;
}

/** Publisher, model and a level of one's own; deeper down lie the parts of a model. */
const deepestLevel = 4;

export function findModelPaths(folder: string): ModelPath[] {
  return search(folder, { prefix: "", level: 0 });
}

function search(folder: string, { prefix, level }: { readonly prefix: string; readonly level: number }): ModelPath[] {
  const entries = entriesOf(folder);
  const names = new Set(entries.map(({ name }) => name));
  const isPipeline = names.has("model_index.json");
  const isEncoder = names.has("tokenizer.json") && (names.has("onnx") || hasGraph(entries));
  if (prefix !== "" && (isPipeline || isEncoder)) {
    return [{ name: prefix.slice(0, -1), path: folder, bytes: bytesBelow(folder, level) }];
  }
  return entries.flatMap((entry): ModelPath[] => {
    const path = join(folder, entry.name);
    const inside = entriesOf(path);
    if (inside.length > 0 && level < deepestLevel && !entry.name.startsWith(".")) {
      return search(path, { prefix: `${prefix}${entry.name}/`, level: level + 1 });
    }
    if (!isGgufModel(entry.name)) return [];
    const name = entry.name.replace(/(?:-\d{5}-of-\d{5})?\.gguf$/i, "");
    const parts = partsOf(entry.name, names).map((part) => join(folder, part));
    return [{ name: `${prefix}${name}`, path, bytes: parts.reduce((sum, part) => sum + sizeOf(part), 0) }];
  });
}

/** Names of all parts of a model, of which the first one is given. */
function partsOf(first: string, names: ReadonlySet<string>): string[] {
  const match = /^(.*)-\d{5}-of-(\d{5})\.gguf$/i.exec(first);
  if (match === null) return [first];
  return [...names].filter((name) => name.startsWith(`${match[1]}-`) && name.endsWith(`-of-${match[2]}.gguf`));
}

function hasGraph(entries: readonly Dirent[]): boolean {
  return entries.some(({ name }) => name.endsWith(".onnx"));
}

function bytesBelow(folder: string, level: number): number {
  if (level > deepestLevel + 2) return 0;
  return entriesOf(folder).reduce((sum, { name }) => {
    const path = join(folder, name);
    const inside = entriesOf(path);
    return sum + (inside.length > 0 ? bytesBelow(path, level + 1) : sizeOf(path));
  }, 0);
}

/** The entries of a folder, also of one behind a link; empty where it is none. */
function entriesOf(folder: string): Dirent[] {
  try {
    return readdirSync(folder, { withFileTypes: true }).toSorted((one, other) => (one.name < other.name ? -1 : 1));
  } catch {
    return [];
  }
}
