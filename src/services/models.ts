// The model list: what this server offers, loaded or not.
import type { BackendDescription } from "../domain/backend.ts";
import type { ModelKind, ModelSpec } from "../domain/model.ts";
import type { Catalog } from "../registry/catalog.ts";

/** One row of the list. */
export interface OfferedModel {
  readonly id: string;
  readonly kind: ModelKind;
  readonly createdSeconds: number;
  /** For an alias: the model that answers. */
  readonly aliasOf: string | undefined;
  /** Facts of the loaded backend, such as the context length; empty while it is not loaded. */
  readonly facts: BackendDescription["facts"];
}

export interface ModelsService {
  list(): OfferedModel[];
  /** Throws `model_not_found`. */
  get(name: string): OfferedModel;
}

export function createModelsService(options: {
  readonly catalog: Catalog;
  readonly describe: (id: string) => BackendDescription | undefined;
}): ModelsService {
  const { catalog, describe } = options;
  const offer = (name: string, spec: ModelSpec): OfferedModel => ({
    id: name,
    kind: spec.kind,
    createdSeconds: spec.createdSeconds,
    aliasOf: name === spec.id ? undefined : spec.id,
    facts: describe(spec.id)?.facts ?? {},
  });
  return {
    list: () => [
      ...catalog.models.map((spec) => offer(spec.id, spec)),
      ...Object.keys(catalog.aliases).map((alias) => offer(alias, catalog.resolve(alias))),
    ],
    get: (name) => offer(name, catalog.resolve(name)),
  };
}
