// Finds a source's model on the disk, for a machine without network.
import { readlinkSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { readCachedSnapshot, type CachedSnapshot } from "../cache/cached-snapshots.ts";
import { chooseModel } from "../choose/choose-model.ts";
import { externalWeights } from "../choose/external-weights.ts";
import type { ModelChoice } from "../choose/model-choice.ts";
import { HubFailure } from "../failures.ts";
import type { KnownSource } from "../known-models/known-model.ts";
import { formatReference, type HubReference } from "../model-reference.ts";
import { isPresent, type StoredModel } from "../store/model-store.ts";
import type { PullContext, PullTarget } from "./pull-context.ts";

export interface CachedModel {
  readonly snapshot: CachedSnapshot;
  readonly choice: ModelChoice;
  /** Absolute path of the file or folder to serve. */
  readonly path: string;
  /** Paths of all files, external weights included, inside the snapshot. */
  readonly files: readonly string[];
}

/**
 * A model of the shared cache, whichever tool has put it there; `undefined` where a part of it is missing. Without a listing it cannot be
 * known what the repository has besides, so the choice is among what is there.
 */
export function findCachedModel(cacheDirectory: string, reference: HubReference): CachedModel | undefined {
  const { repository, revision } = reference;
  const snapshot = readCachedSnapshot(cacheDirectory, { repository, revision });
  if (snapshot === undefined) return undefined;
  try {
    const choice = chooseModel(snapshot.files, reference);
    const there = new Set(snapshot.files.map(({ path }) => path));
    const weights = choice.graphs.flatMap((graph) => externalWeights(snapshot.folder, graph));
    if (!weights.every((path) => there.has(path))) return undefined;
    const path = choice.modelPath === "" ? snapshot.folder : join(snapshot.folder, ...choice.modelPath.split("/"));
    return { snapshot, choice, path, files: [...choice.files, ...weights] };
  } catch (error) {
    // Nothing in the snapshot can be served, or not this variant.
    if (error instanceof HubFailure) return undefined;
    throw error;
  }
}

/** A model that need not be pulled, recorded under its name; `undefined` where it is not complete. */
export function findLocally(
  source: KnownSource,
  { target, context }: { readonly target: PullTarget; readonly context: PullContext },
): StoredModel | undefined {
  const stored = context.store.find(target.name);
  if (stored !== undefined && isPresent(stored) && stored.reference === target.reference) return stored;
  if (source.type !== "hub") return undefined;
  const found = findCachedModel(context.hub.cacheDirectory, source.reference);
  if (found === undefined) return undefined;
  const { snapshot, choice, path, files } = found;
  const sizes = new Map(snapshot.files.map((file) => [file.path, file.bytes]));
  const model: StoredModel = {
    name: target.name,
    reference: target.reference,
    source: formatReference(source.reference),
    kind: target.kind ?? choice.kind,
    path,
    options: { ...target.options, ...choice.options },
    commit: snapshot.commit,
    license: null,
    isComplete: true,
    files: files.map((file) => {
      const whole = join(snapshot.folder, ...file.split("/"));
      const content = contentOf(whole);
      return { path: whole, content, bytes: sizes.get(file) ?? 0, isOurs: context.store.isOurs(content) };
    }),
    pulledAt: context.startedAt,
  };
  context.store.write(model);
  return model;
}

/** The content behind a link of the shared cache; the path itself where it is no link. */
function contentOf(path: string): string {
  try {
    return resolve(dirname(path), readlinkSync(path));
  } catch {
    return path;
  }
}
