// What somebody who administers the server can do with its models: load one, unload one, and watch them all.
import type { ModelEvent, ModelEventListener } from "../domain/model-events.ts";
import { ServerError } from "../domain/errors.ts";
import type { Catalog } from "../registry/catalog.ts";
import type { ModelStates } from "../registry/model-states.ts";
import type { Lease } from "../registry/registry.ts";
import { onAbort } from "../util/abort.ts";
import { pullEvents, type PulledEvents } from "../util/event-queue.ts";
import { toHealth, type ModelHealth } from "./health.ts";

/** All states at the beginning, then every event. */
export type WatchedEvent = { readonly type: "states"; readonly models: readonly ModelHealth[] } | ModelEvent;

export interface Administration {
  /** The state of every model. */
  list(): readonly ModelHealth[];
  /** Loads the model of that name and resolves with its state. Throws what a request for it would get. */
  load(name: string, signal: AbortSignal): Promise<ModelHealth>;
  /** Unloads the model of that name once no request uses it, and resolves when it has ended. @throws ServerError `model_not_found` */
  unload(name: string, signal: AbortSignal): Promise<ModelHealth>;
  /** Ends when the server closes, and with `overloaded` where the reader is more than {@link mostWaiting} events behind. */
  watch(signal: AbortSignal): PulledEvents<WatchedEvent>;
}

export interface AdministrationDependencies {
  readonly catalog: Catalog;
  readonly states: ModelStates;
  readonly acquire: (id: string, signal: AbortSignal) => Promise<Lease>;
  readonly unload: (id: string, signal: AbortSignal) => Promise<void>;
  readonly subscribe: (listener: ModelEventListener) => () => void;
  /** Aborts when the server closes, which ends all watching. */
  readonly closing: AbortSignal;
}

/** Events that may wait for a slow reader. */
const mostWaiting = 1024;

export function createAdministration(deps: AdministrationDependencies): Administration {
  const { catalog, states, acquire, unload, subscribe, closing } = deps;
  const list = (): readonly ModelHealth[] => states.all().map(toHealth);
  const stateOf = (id: string): ModelHealth => list().find((state) => state.id === id) as ModelHealth;
  return {
    list,
    async load(name, signal) {
      const { id } = catalog.resolve(name);
      const lease = await acquire(id, signal);
      // The state is that of the loaded model: with the lease it could be unloaded again before it is read.
      const state = stateOf(id);
      lease.release();
      return state;
    },
    async unload(name, signal) {
      const { id } = catalog.resolve(name);
      await unload(id, signal);
      return stateOf(id);
    },
    watch(signal) {
      return pullEvents<WatchedEvent>(
        ({ sink, signal: over }) =>
          new Promise((resolve, reject) => {
            sink.push({ type: "states", models: list() });
            const unsubscribe = subscribe((event) => {
              if (sink.credit > 0) {
                sink.push(event);
                return;
              }
              unsubscribe();
              reject(new ServerError("overloaded", `The reader is more than ${mostWaiting} events behind.`));
            });
            onAbort(AbortSignal.any([over, closing]), () => {
              unsubscribe();
              resolve();
            });
          }),
        { window: mostWaiting, signal },
      );
    },
  };
}
