// Finds every model that lies on this machine, in the folders of all programs that are known to keep some. Nothing is changed there.
import type { Environment } from "../environment.ts";
import { toFoundModel, type FoundModel } from "./found-model.ts";
import { findInHubCaches, findInLlamaCache } from "./hub-caches.ts";
import { findInLmStudio } from "./lm-studio.ts";
import { findModelPaths } from "./model-folders.ts";
import { findInOllama } from "./ollama.ts";

export interface Places {
  readonly environment: Environment;
  /** The user's own folders. */
  readonly modelsDirectories: readonly string[];
}

/** In order of the programs; of several under one name only the first. */
export function findModels(places: Places): FoundModel[] {
  const { environment } = places;
  return firstOfEachName([
    ...findInModelsDirectories(places.modelsDirectories),
    ...findInHubCaches(environment),
    ...findInLlamaCache(environment),
    ...findInOllama(environment),
    ...findInLmStudio(environment),
  ]);
}

/** The models in the user's own folders, by their path inside. */
export function findInModelsDirectories(folders: readonly string[]): FoundModel[] {
  return folders.flatMap((folder) =>
    findModelPaths(folder).map((model) => toFoundModel({ ...model, foundIn: "models dir" })),
  );
}

function firstOfEachName(models: readonly FoundModel[]): FoundModel[] {
  const names = new Set<string>();
  return models.filter(({ name }) => {
    if (names.has(name)) return false;
    names.add(name);
    return true;
  });
}
