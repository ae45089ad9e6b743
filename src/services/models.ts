// The model list: the models and aliases that this server offers, loaded or not.
import type { ConfiguredModel, ModelListing } from "../domain/model.ts";
import type { Catalog } from "../registry/catalog.ts";
import type { ModelStates } from "../registry/model-states.ts";

export interface ModelsService {
  /** Every model under its id, then every alias. */
  list(): ModelListing[];
  /** Throws `model_not_found`. */
  get(name: string): ModelListing;
}

export interface ModelsOptions {
  readonly catalog: Catalog;
  readonly states: ModelStates;
}

export function createModelsService({ catalog, states }: ModelsOptions): ModelsService {
  const offer = (name: string, spec: ConfiguredModel): ModelListing => {
    const state = states.of(spec.id);
    return {
      id: name,
      spec,
      ...(name === spec.id ? {} : { aliasOf: spec.id }),
      ...(state === undefined ? {} : { state: state.status }),
      ...(state?.instance === undefined ? {} : { description: state.instance.description }),
    };
  };
  return {
    list: () => [
      ...catalog.models.map((spec) => offer(spec.id, spec)),
      ...[...catalog.aliases.keys()].map((alias) => offer(alias, catalog.resolve(alias))),
    ],
    get: (name) => offer(name, catalog.resolve(name)),
  };
}
