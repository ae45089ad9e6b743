// Finds models by name for the configuration: what was pulled, what is known by name and lies in the cache, and what other programs have.
import { realpathSync } from "node:fs";
import type { LocatedModel, ModelLocator, ModelPlaces } from "../../domain/hub/model-locator.ts";
import { hubCacheFolders } from "./hub-caches.ts";
import type { Environment } from "../environment.ts";
import type { KnownModels } from "../known-models/known-models.ts";
import { loadKnownModels } from "../known-models/known-models.ts";
import { resolveReference, type PullableModel } from "../known-models/resolve-reference.ts";
import { findCachedModel } from "../pull/local-copy.ts";
import { isPresent, ModelStore } from "../store/model-store.ts";
import { findInModelsDirectories, findModels } from "./find-models.ts";

export function createModelLocator(places: ModelPlaces, environment: Environment): ModelLocator {
  const store = new ModelStore(places.storeDirectory);
  let known: KnownModels | undefined;
  // Read only where a name is looked up: a server whose models are all paths starts without it.
  const knownModels = (): KnownModels => (known ??= loadKnownModels(places.knownModels, environment));
  const search = { environment, modelsDirectories: places.modelsDirectories };
  const findByName = (name: string): LocatedModel | { readonly problem: string } | undefined => {
    const found = findModels(search).find((model) => model.name === name);
    if (found === undefined) return undefined;
    return found.problem === null ? toLocated(found) : { problem: found.problem };
  };

  return {
    locate(text) {
      const pulled = store.find(text);
      if (pulled !== undefined && isPresent(pulled)) return toLocated(pulled);
      const meaning = resolveReference(text, knownModels());
      switch (meaning.type) {
        case "pullable": {
          // The address of another server is no model to pull.
          if (/^https?:/i.test(meaning.reference) && !/\.gguf(?:$|[?#])/i.test(meaning.reference)) return undefined;
          const found = findPullable(meaning, { store, environment }) ?? findByName(text);
          return found ?? { problem: describeAbsent(text, meaning) };
        }
        case "local": {
          if (meaning.reference.type === "path") return undefined;
          const found = findByName(text);
          return found ?? { problem: `is not on this machine: hearth list --discover prints what is (${text})` };
        }
        case "unknown": {
          const found = findByName(text);
          if (found !== undefined) return found;
          const nearest = knownModels().nearest(text);
          return nearest === null
            ? undefined
            : { problem: `is neither a path nor a known model: ${text}; did you mean ${nearest}?` };
        }
        case "invalid":
          return /^(?:hf|pip|ollama|lmstudio):/i.test(text)
            ? { problem: `is no reference: ${meaning.message}` }
            : undefined;
      }
    },
    offered() {
      if (places.offer === "none") return [];
      const pulled = store.list().filter(isPresent).map(toLocated);
      const found = places.offer === "found" ? findModels(search) : findInModelsDirectories(places.modelsDirectories);
      const paths = new Set(pulled.map(({ path }) => realPath(path)));
      // What was pulled also lies in the shared cache, where it is found under its repository's name.
      const others = found.filter(({ problem, path }) => problem === null && !paths.has(realPath(path)));
      return [...pulled, ...others.map(toLocated)];
    },
  };
}

function findPullable(
  meaning: PullableModel,
  { store, environment }: { readonly store: ModelStore; readonly environment: Environment },
): LocatedModel | undefined {
  const pulled = store.findByReference(meaning.reference);
  if (pulled !== undefined && isPresent(pulled)) return toLocated(pulled);
  for (const source of meaning.sources) {
    if (source.type !== "hub") continue;
    for (const folder of hubCacheFolders(environment)) {
      const cached = findCachedModel(folder, source.reference);
      if (cached === undefined) continue;
      const { path, choice } = cached;
      return {
        name: meaning.name,
        path,
        kind: meaning.kind ?? choice.kind,
        options: { ...meaning.options, ...choice.options },
      };
    }
  }
  return undefined;
}

function realPath(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return path;
  }
}

function toLocated({ name, path, kind, options }: LocatedModel): LocatedModel {
  return { name, path, kind, options };
}

function describeAbsent(text: string, { known }: PullableModel): string {
  const what = known === undefined ? "is not on this machine" : "is a known model that is not on this machine";
  return `${what}: ${text}. Fetch it with: hearth pull ${text}`;
}
