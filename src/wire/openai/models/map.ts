// Maps models to OpenAI's model objects. Facts of a loaded model stand beside OpenAI's fields, under their own names.
import type { ModelListing } from "../../../domain/model.ts";
import type { Model, ModelList } from "./contract.ts";

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
