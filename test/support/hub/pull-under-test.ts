// Pulls from the fake hub into a home of its own, with pauses that take no time.
import { join } from "node:path";
import type { PulledModel, PullProgress } from "../../../src/domain/hub/pull.ts";
import { HubFailure } from "../../../src/hub/failures.ts";
import { loadKnownModels } from "../../../src/hub/known-models/known-models.ts";
import { pullModel, type PullTiming } from "../../../src/hub/pull/pull-model.ts";
import { ModelStore } from "../../../src/hub/store/model-store.ts";
import { temporaryFolder } from "../temporary-folder.ts";
import type { FakeHub } from "./fake-hub.ts";

export interface PullHome {
  readonly folder: string;
  /** The shared cache. */
  readonly cache: string;
  readonly store: ModelStore;
  readonly environment: Readonly<Record<string, string>>;
}

/** A home folder with nothing in it, whose hub is the fake one. */
export function createHome(hub: FakeHub, variables: Readonly<Record<string, string>> = {}): PullHome {
  const folder = temporaryFolder("hub");
  const { PATH = "" } = process.env;
  return {
    folder,
    cache: join(folder, ".cache", "huggingface", "hub"),
    store: new ModelStore(join(folder, "store")),
    environment: { PATH, HOME: folder, HF_ENDPOINT: hub.endpoint, HF_HUB_DOWNLOAD_TIMEOUT: "0.4", ...variables },
  };
}

export interface PullResult {
  readonly model: PulledModel | undefined;
  readonly failure: HubFailure | undefined;
  readonly events: readonly PullProgress[];
  /** Milliseconds of each pause. */
  readonly pauses: readonly number[];
}

export interface TestPull {
  readonly home: PullHome;
  readonly name?: string;
  readonly connections?: number;
  /** The user's own list of known models. */
  readonly knownModelsFile?: string;
  readonly timing?: Partial<PullTiming>;
  readonly signal?: AbortSignal;
  /** Called with every event; may abort or change the hub. */
  readonly onEvent?: (event: PullProgress) => void;
}

/** Never rejects with a {@link HubFailure}: that is part of the result. */
export async function pull(
  reference: string,
  { home, name, connections, knownModelsFile, timing, signal, onEvent }: TestPull,
): Promise<PullResult> {
  const events: PullProgress[] = [];
  const pauses: number[] = [];
  const result = { events, pauses };
  try {
    const model = await pullModel(reference, {
      environment: home.environment,
      store: home.store,
      knownModels: loadKnownModels(knownModelsFile ?? null, home.environment),
      listener: (event) => {
        events.push(event);
        onEvent?.(event);
      },
      signal: signal ?? new AbortController().signal,
      ...(name === undefined ? {} : { name }),
      ...(connections === undefined ? {} : { connections }),
      timing: {
        delay: (delayMs) => {
          pauses.push(delayMs);
          return new Promise((resolve) => void setImmediate(resolve));
        },
        random: () => 1,
        pieceBytes: 64 * 1024,
        journalEveryBytes: 16 * 1024,
        ...timing,
      },
    });
    return { ...result, model, failure: undefined };
  } catch (error) {
    if (error instanceof HubFailure) return { ...result, model: undefined, failure: error };
    throw error;
  }
}
