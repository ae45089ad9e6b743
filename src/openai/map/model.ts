// The model list. Facts of a loaded model stand beside OpenAI's fields, under their own names.
import type { BackendDescription } from "../../domain/backend.ts";
import type { ModelSpec } from "../../domain/model.ts";
import type { Model, ModelList } from "../schema/model.ts";

/** One model as the list shows it. An alias is listed under its own id, with the model that it stands for. */
export interface ModelListing {
  readonly id: string;
  readonly spec: Pick<ModelSpec, "kind" | "createdSeconds">;
  /** Set for an alias: the id of the model behind it. */
  readonly aliasOf?: string;
  /** State of the model's life, such as `absent`, `loading`, `ready`. */
  readonly state?: string;
  /** Known once the model has been loaded. */
  readonly description?: Pick<BackendDescription, "operations" | "facts">;
}

export function toModel(listing: ModelListing): Model {
  const { spec, description } = listing;
  return {
    // Facts come first so that none of them can take the place of a field that clients rely on.
    ...description?.facts,
    id: listing.id,
    object: "model",
    created: Math.floor(spec.createdSeconds),
    owned_by: "hearth",
    kind: spec.kind,
    ...(listing.aliasOf === undefined ? {} : { alias_of: listing.aliasOf }),
    ...(listing.state === undefined ? {} : { state: listing.state }),
    ...(description === undefined ? {} : { operations: [...description.operations] }),
  };
}

export function toModelList(listings: readonly ModelListing[]): ModelList {
  return { object: "list", data: listings.map(toModel) };
}
