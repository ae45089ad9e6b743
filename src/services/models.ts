// The model list: what this server offers, loaded or not.
import type { BackendDescription } from "../domain/backend.ts";
import type { ConfiguredModel } from "../domain/model.ts";
import type { ModelListing } from "../domain/model.ts";
import type { Catalog } from "../registry/catalog.ts";
import type { ModelStatus } from "../registry/scheduler.ts";

export interface ModelsService {
  list(): ModelListing[];
  /** Throws `model_not_found`. */
  get(name: string): ModelListing;
}

export interface ModelsOptions {
  readonly catalog: Catalog;
  /** What a loaded model says of itself. */
  readonly describe: (id: string) => BackendDescription | undefined;
  readonly statuses: () => readonly { readonly id: string; readonly status: ModelStatus }[];
}

export function createModelsService({ catalog, describe, statuses }: ModelsOptions): ModelsService {
  const readStates = (): ReadonlyMap<string, ModelStatus> => new Map(statuses().map(({ id, status }) => [id, status]));
  const offer = (name: string, spec: ConfiguredModel, states: ReadonlyMap<string, ModelStatus>): ModelListing => {
    const description = describe(spec.id);
    const state = states.get(spec.id);
    return {
      id: name,
      spec,
      ...(name === spec.id ? {} : { aliasOf: spec.id }),
      ...(state === undefined ? {} : { state }),
      ...(description === undefined ? {} : { description }),
    };
  };
  return {
    list: () => {
      const states = readStates();
      return [
        ...catalog.models.map((spec) => offer(spec.id, spec, states)),
        ...[...catalog.aliases.keys()].map((alias) => offer(alias, catalog.resolve(alias), states)),
      ];
    },
    get: (name) => offer(name, catalog.resolve(name), readStates()),
  };
}
