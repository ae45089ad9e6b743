// Finds the models in the shared cache of Hugging Face's tools, in one that LLAMA_CACHE names, and in the folder in which llama.cpp kept its
// downloads before it took over that layout.
import { homedir } from "node:os";
import { join } from "node:path";
import { listCachedSnapshots, type CachedSnapshot } from "../cache/cached-snapshots.ts";
import { isGgufModel, variantOfGguf, chooseGguf } from "../choose/gguf-files.ts";
import { hasEncoderGraph, isPipeline } from "../choose/onnx-files.ts";
import { readHubEnvironment, type Environment } from "../environment.ts";
import { HubFailure } from "../failures.ts";
import { toFoundModel, type FoundModel } from "./found-model.ts";
import { findModelPaths } from "./model-folders.ts";

/** Every folder in the layout of the shared cache, the one that is written first. */
export function hubCacheFolders(environment: Environment): string[] {
  const { LLAMA_CACHE: llama } = environment;
  const own = readHubEnvironment(environment).cacheDirectory;
  return [...new Set([own, ...(llama === undefined || llama === "" ? [] : [llama])])];
}

export function findInHubCaches(environment: Environment): FoundModel[] {
  return hubCacheFolders(environment).flatMap((folder) => listCachedSnapshots(folder).flatMap(modelsOf));
}

/** llama.cpp's older cache: files side by side, named `org_repo_file.gguf`. */
export function findInLlamaCache(environment: Environment): FoundModel[] {
  const { LLAMA_CACHE: llama, XDG_CACHE_HOME: cache, LOCALAPPDATA: local } = environment;
  const home = environment["HOME"] || homedir();
  const usual =
    process.platform === "win32"
      ? join(local ?? home, "llama.cpp")
      : process.platform === "darwin"
        ? join(home, "Library", "Caches", "llama.cpp")
        : join(cache || join(home, ".cache"), "llama.cpp");
  const folders = [...new Set([usual, ...(llama === undefined || llama === "" ? [] : [llama])])];
  return folders.flatMap((folder) =>
    findModelPaths(folder)
      .filter(({ name }) => !name.includes("/"))
      .map((model) => toFoundModel({ ...model, foundIn: "llama.cpp" })),
  );
}

/** A snapshot can hold several variants of a model, and files of which this program can serve none. */
function modelsOf({ repository, folder, files }: CachedSnapshot): FoundModel[] {
  const found = (name: string, { path, bytes }: { readonly path: string; readonly bytes: number }): FoundModel =>
    toFoundModel({ name, path, foundIn: "hub cache", bytes });
  const total = files.reduce((sum, { bytes }) => sum + bytes, 0);
  const models: FoundModel[] = files
    .filter(({ path }) => isGgufModel(path))
    .map(({ path }) => {
      const name = `${repository}:${variantOfGguf(path) ?? path}`;
      const sizes = new Map(files.map((file) => [file.path, file.bytes]));
      const parts = partsOf(files, { path, repository });
      const bytes = parts.reduce((sum, part) => sum + (sizes.get(part) ?? 0), 0);
      return found(name, { path: join(folder, ...path.split("/")), bytes });
    });
  if (isPipeline(files) || (hasEncoderGraph(files) && models.length === 0)) {
    models.push(found(repository, { path: folder, bytes: total }));
  }
  const isModel = files.some(({ path }) => /\.(?:safetensors|bin|pt|pth|msgpack|h5)$/.test(path));
  return models.length === 0 && isModel ? [found(repository, { path: folder, bytes: total })] : models;
}

function partsOf(
  files: CachedSnapshot["files"],
  { path, repository }: { readonly path: string; readonly repository: string },
): readonly string[] {
  try {
    return chooseGguf(files, { variant: null, file: path, repository });
  } catch (error) {
    // A part is missing: what is there counts, and the load will say what is not.
    if (error instanceof HubFailure) return [path];
    throw error;
  }
}
