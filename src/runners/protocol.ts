// The messages between the server and a runner. Values cross by structured clone (`serialization: "advanced"`), so typed arrays
// travel as they are. Every call is a stream of events; an operation with one result is a stream of one.
import type { BackendDescription, Operation } from "../domain/backend.ts";
import type { DeviceServices, DeviceUse } from "../domain/device.ts";
import type { SerializedError } from "../domain/errors.ts";
import type { ModelSpec } from "../domain/model.ts";

/** Number of a call, unique within one runner. */
export type CallId = number;

/**
 * The credit of a call in events: so many may be under way between the backend and the reader. An event that the reader takes is
 * credit again, so a slow reader slows the backend and no buffer grows. Credit is returned by half a window at a time, which keeps
 * the messages few.
 */
export const creditWindow = 64;

export type ServerMessage =
  | {
      readonly type: "load";
      readonly spec: ModelSpec;
      readonly cacheDirectory: string;
      readonly memoryBudgetBytes: number;
      /** `Outbox.intervalMs` (outbox.ts); `auto` = by whether the model computes on every core. */
      readonly streamIntervalMs: number | "auto";
      readonly gpu: Pick<DeviceServices, "policy" | "fault">;
    }
  | {
      readonly type: "run";
      readonly id: CallId;
      readonly operation: Operation;
      readonly request: unknown;
      /** Events that may come before any credit is granted. */
      readonly credit: number;
    }
  | { readonly type: "cancel"; readonly id: CallId }
  /** The reader has taken `count` events. */
  | { readonly type: "credit"; readonly id: CallId; readonly count: number }
  /** Is answered by `pong`, which tells a busy runner from one that hangs. */
  | { readonly type: "ping" }
  | { readonly type: "dispose" };

/** An event of a call, or its end. */
export type CallUpdate =
  | { readonly id: CallId; readonly event: unknown }
  | { readonly id: CallId; readonly end: true }
  | { readonly id: CallId; readonly error: SerializedError };

export type RunnerMessage =
  /** The process runs and takes messages. From here on the time is that of the load. */
  | { readonly type: "started" }
  | { readonly type: "ready"; readonly description: BackendDescription; readonly residentBytes: number }
  | { readonly type: "load-failed"; readonly error: SerializedError }
  /** The updates of all calls since the last such message, in order. */
  | { readonly type: "updates"; readonly updates: readonly CallUpdate[] }
  | {
      readonly type: "log";
      readonly level: "debug" | "info" | "warn" | "error";
      readonly message: string;
      readonly facts: Readonly<Record<string, unknown>>;
    }
  | { readonly type: "pong" }
  /** The process's memory has changed noticeably since it was last told (memory-report.ts). */
  | { readonly type: "memory"; readonly residentBytes: number }
  /** What is in use from now on: before the first GPU, so that a crash is known to be one on a GPU, and at each change. */
  | { readonly type: "device"; readonly use: DeviceUse }
  /** The GPU has failed for good; the process ends. */
  | { readonly type: "device-failed"; readonly reason: string };

/** One end of the connection between the two processes; in tests both ends are in one process. */
export interface Channel<Incoming, Outgoing> {
  /** `onSent` is called once the message has left the process. */
  send(message: Outgoing, onSent?: () => void): void;
  onMessage(listener: (message: Incoming) => void): void;
}
