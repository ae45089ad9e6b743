// The events in the lives of the models, told by the registry in order. The log, the health report and the model list are made from
// them, so none of these asks the registry or a runner for a state.
import type { BackendDescription } from "./backend.ts";
import type { DeviceUse } from "./device.ts";

/** Why a model leaves the memory. */
export type UnloadReason =
  /** Another model, `makeRoomFor`, needed its memory. */
  | { readonly type: "evicted"; readonly makeRoomFor: string }
  /** Nobody used it for as long as its time to live. */
  | { readonly type: "idle" }
  /** Somebody who administers the server asked for it. */
  | { readonly type: "requested" }
  /** The server closes. */
  | { readonly type: "shutdown" };

/** A model in memory. */
export interface ModelInstance {
  /** `undefined` for a backend in the server's own process. */
  readonly processId: number | undefined;
  /** Memory of its process as last reported, bytes. */
  readonly residentBytes: number;
  readonly description: BackendDescription;
}

/**
 * Every `load-begun` is followed by one `ready` or one `load-failed` of its generation, and every `ready` by one `unloaded` or one
 * `crashed`. `bytes` is what the model counts against the memory budget: an estimate until it is `ready`; from then on what its process
 * held after the load, or what its backend expects where that is more. Durations are milliseconds.
 */
export type ModelEvent = {
  readonly model: string;
  /** Number of the model's latest load, from 1; 0 before its first. */
  readonly generation: number;
} & (
  | { readonly type: "load-begun"; readonly bytes: number }
  | { readonly type: "ready"; readonly loadMs: number; readonly bytes: number; readonly instance: ModelInstance }
  | { readonly type: "load-failed"; readonly loadMs: number; readonly bytes: number; readonly reason: string }
  /** The load was not tried: the model exceeds the budget less the pinned models. */
  | { readonly type: "load-refused"; readonly bytes: number; readonly reason: string }
  | { readonly type: "unload-begun"; readonly bytes: number; readonly reason: UnloadReason }
  | {
      readonly type: "unloaded";
      readonly unloadMs: number;
      /** Since it was ready. */
      readonly aliveMs: number;
      readonly bytes: number;
      readonly reason: UnloadReason;
      /** How its process ended, e.g. `exit code 0`; `undefined` when no process told. */
      readonly exit: string | undefined;
    }
  /** Its process ended by itself. `exit` says how, e.g. `SIGKILL`. */
  | { readonly type: "crashed"; readonly aliveMs: number; readonly bytes: number; readonly exit: string }
  /** Requests that use the model, and requests that wait for it. */
  | { readonly type: "use-changed"; readonly leases: number; readonly waiting: number }
  /** Its process holds noticeably more or less memory than it last reported. `bytes` does not change by it. */
  | { readonly type: "memory-changed"; readonly residentBytes: number }
  /** It computes on other devices than it was loaded on. */
  | { readonly type: "device-changed"; readonly use: DeviceUse }
);

/** Gets every event, in order. */
export type ModelEventListener = (event: ModelEvent) => void;
