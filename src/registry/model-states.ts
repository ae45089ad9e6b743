// The state of every model for the health report and the model list, kept up to date by the registry's events. The scheduler never
// decides by this copy.
import type { DeviceUse } from "../domain/device.ts";
import type { ModelEvent, ModelInstance } from "../domain/model-events.ts";
import type { ModelStatus } from "./model-life.ts";

export interface ModelState {
  readonly id: string;
  readonly status: ModelStatus;
  /** Requests that use it. */
  readonly leases: number;
  /** Requests that wait for it. */
  readonly waiting: number;
  /** Bytes that it counts against the memory budget; 0 when absent. */
  readonly bytes: number;
  /** Set from when it is ready until it has ended. */
  readonly instance: ModelInstance | undefined;
  /** Why its last load failed or was refused, or that its process crashed; `undefined` again once it is ready. */
  readonly lastError: string | undefined;
}

export interface ModelStates {
  /** In the order in which they were given. */
  all(): readonly ModelState[];
  of(id: string): ModelState | undefined;
}

/** All models begin absent, so `apply` must get every event from the first on. */
export function createModelStates(
  ids: readonly string[],
): ModelStates & { readonly apply: (event: ModelEvent) => void } {
  const states = new Map(ids.map((id) => [id, absentState(id)]));
  return {
    all: () => [...states.values()],
    of: (id) => states.get(id),
    apply(event) {
      const state = states.get(event.model);
      if (state !== undefined) states.set(event.model, { ...state, ...changesBy(event, state) });
    },
  };
}

function absentState(id: string): ModelState {
  return { id, status: "absent", leases: 0, waiting: 0, bytes: 0, instance: undefined, lastError: undefined };
}

const gone = { status: "absent", bytes: 0, instance: undefined } as const;

function changesBy(event: ModelEvent, { instance }: ModelState): Partial<ModelState> {
  switch (event.type) {
    case "load-begun":
      return { status: "loading", bytes: event.bytes };
    case "ready":
      return { status: "ready", bytes: event.bytes, instance: event.instance, lastError: undefined };
    case "load-failed":
      return { ...gone, lastError: event.reason };
    case "load-refused":
      return { lastError: event.reason };
    case "unload-begun":
      return { status: "draining" };
    case "unloaded":
      return gone;
    case "crashed":
      return { ...gone, lastError: "its process ended" };
    case "use-changed":
      return { leases: event.leases, waiting: event.waiting };
    case "memory-changed":
      return instance === undefined ? {} : { instance: { ...instance, residentBytes: event.residentBytes } };
    case "device-changed":
      return instance === undefined ? {} : { instance: withDevices(instance, event.use) };
  }
}

function withDevices(instance: ModelInstance, use: DeviceUse): ModelInstance {
  const { device: _device, deviceNote: _note, deviceParts: _parts, ...rest } = instance.description;
  return { ...instance, description: { ...rest, ...use } };
}
