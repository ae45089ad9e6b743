// The section `hub` of the configuration with absolute paths.
import { dirname } from "node:path";
import type { ModelPlaces } from "../../domain/hub/model-locator.ts";
import type { Environment, Layers } from "../layers.ts";
import { defaultStoreDirectory } from "../paths.ts";
import type { ConfigurationOutline } from "../schema/configuration.ts";
import { absolutePath } from "./resolve-model.ts";

export interface PlacesContext {
  /** Absolute path of the configuration file. */
  readonly file: string;
  readonly cwd: string;
  readonly environment: Environment;
  readonly originOf: Layers["originOf"];
}

export function toModelPlaces({ hub }: ConfigurationOutline, context: PlacesContext): ModelPlaces {
  const { environment, originOf } = context;
  const places = { folder: dirname(context.file), cwd: context.cwd };
  const absolute = (key: string, path: string): string => absolutePath(path, originOf(["hub", key]), places);
  return {
    storeDirectory:
      hub.store_directory === undefined
        ? defaultStoreDirectory(environment)
        : absolute("store_directory", hub.store_directory),
    knownModels: hub.known_models === undefined ? null : absolute("known_models", hub.known_models),
    modelsDirectories: hub.models_dirs.map((path) => absolute("models_dirs", path)),
    offer: hub.offer,
  };
}
