// What goes into the scheduler and what comes out of it.
import type { ModelEvent, ModelInstance } from "../domain/model-events.ts";

/** `generation` is that of the load the input speaks of: what concerns an earlier load than the present one is ignored. */
export type SchedulerInput =
  /** A caller wants the model and waits under `ticket`. */
  | { readonly type: "acquire"; readonly ticket: number; readonly model: string; readonly estimatedBytes: number }
  /** A caller has left; if it still waits, it is rejected with `error`. */
  | { readonly type: "abandon"; readonly ticket: number; readonly error: Error }
  /** A granted caller is done. `ttlMs` replaces how long the model may stay idle from now on. */
  | { readonly type: "release"; readonly model: string; readonly generation: number; readonly ttlMs?: number }
  | {
      readonly type: "loaded";
      readonly model: string;
      readonly generation: number;
      readonly bytes: number;
      readonly instance: ModelInstance;
    }
  | { readonly type: "load-failed"; readonly model: string; readonly generation: number; readonly error: Error }
  /** The model is no longer in memory, asked for or not. `exit` is how its process ended. */
  | {
      readonly type: "ended";
      readonly model: string;
      readonly generation: number;
      readonly exit: string | undefined;
    }
  /** Time has passed: idle models whose time is up leave. */
  | { readonly type: "tick" }
  /** Unload everything, grant nothing more. */
  | { readonly type: "shut-down" };

/** What must be done. */
export type SchedulerEffect =
  | { readonly type: "load"; readonly model: string; readonly generation: number }
  | { readonly type: "unload"; readonly model: string; readonly generation: number }
  | { readonly type: "grant"; readonly ticket: number; readonly generation: number }
  | { readonly type: "reject"; readonly ticket: number; readonly error: Error };

/** What one input leads to: what must be done, and what has happened, each in order. Filled while the input is applied. */
export interface Outcome {
  /** When the input came. */
  readonly nowMs: number;
  readonly effects: SchedulerEffect[];
  readonly events: ModelEvent[];
}
