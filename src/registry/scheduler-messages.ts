// The scheduler's inputs, and the effects and events that it answers with.
import type { ModelEvent, ModelInstance } from "../domain/model-events.ts";

/** `generation` numbers the load that an input is about. Inputs about an earlier load than the present one are ignored. */
export type SchedulerInput =
  /** A caller wants the model and waits under `ticket`. */
  | { readonly type: "acquire"; readonly ticket: number; readonly model: string; readonly estimatedBytes: number }
  /** The caller has left. If it still waits, it is rejected with `error`. */
  | { readonly type: "abandon"; readonly ticket: number; readonly error: Error }
  /** A lease has ended. `ttlMs` replaces how long the model may stay idle from now on. */
  | { readonly type: "release"; readonly model: string; readonly generation: number; readonly ttlMs?: number }
  | {
      readonly type: "loaded";
      readonly model: string;
      readonly generation: number;
      readonly bytes: number;
      readonly instance: ModelInstance;
    }
  | { readonly type: "load-failed"; readonly model: string; readonly generation: number; readonly error: Error }
  /** The model is no longer in memory, unloaded or crashed. `exit` is how its process ended. */
  | {
      readonly type: "ended";
      readonly model: string;
      readonly generation: number;
      readonly exit: string | undefined;
    }
  /** Unload the model as soon as no caller uses it or waits for it. */
  | { readonly type: "unload"; readonly model: string }
  /** Unload the idle models whose time is up. */
  | { readonly type: "tick" }
  /** Unload everything, grant nothing more. */
  | { readonly type: "shut-down" };

/** What must be done. */
export type SchedulerEffect =
  | { readonly type: "load"; readonly model: string; readonly generation: number }
  | { readonly type: "unload"; readonly model: string; readonly generation: number }
  | { readonly type: "grant"; readonly ticket: number; readonly generation: number }
  | { readonly type: "reject"; readonly ticket: number; readonly error: Error };

/** What one input leads to, each list in order. Filled while the input is applied. */
export interface Outcome {
  /** When the input came, on the caller's clock. */
  readonly nowMs: number;
  readonly effects: SchedulerEffect[];
  readonly events: ModelEvent[];
}
