// What the server and a runner say to each other. Values cross by structured clone (`serialization: "advanced"`), so typed
// arrays travel as they are. Every call is a stream of events: a plain answer is a stream of one.
import type { BackendDescription, Operation } from "../domain/backend.ts";
import type { SerializedError } from "../domain/errors.ts";
import type { ModelSpec } from "../domain/model.ts";

/** Number of a call, unique within one runner. */
export type CallId = number;

/**
 * Credit that a call begins with, in events: so many may be on their way before the reader has taken any. The reader returns
 * credit as it takes them, so a slow reader slows the producer and no buffer grows. Half of it is returned at a time to keep the
 * traffic low.
 */
export const creditWindow = 64;

export type ServerMessage =
  | {
      readonly type: "load";
      readonly spec: ModelSpec;
      readonly cacheDirectory: string;
      /** Events leave at most so often; see outbox.ts. */
      readonly streamIntervalMs: number | "auto";
    }
  | {
      readonly type: "run";
      readonly id: CallId;
      readonly operation: Operation;
      readonly request: unknown;
      /** Events that may come before any credit is returned. */
      readonly credit: number;
    }
  | { readonly type: "cancel"; readonly id: CallId }
  | { readonly type: "credit"; readonly id: CallId; readonly count: number }
  /** Answered by `pong`: tells a busy runner from a hanging one. */
  | { readonly type: "ping" }
  | { readonly type: "dispose" };

/** One step of one call. */
export type CallUpdate =
  | { readonly id: CallId; readonly event: unknown }
  | { readonly id: CallId; readonly end: true }
  | { readonly id: CallId; readonly error: SerializedError };

export type RunnerMessage =
  /** The process runs and takes messages; what takes time from here on is the model. */
  | { readonly type: "started" }
  | { readonly type: "ready"; readonly description: BackendDescription; readonly residentBytes: number }
  | { readonly type: "load-failed"; readonly error: SerializedError }
  /** What happened since the last such message, in order. */
  | { readonly type: "updates"; readonly updates: readonly CallUpdate[] }
  | {
      readonly type: "log";
      readonly level: "debug" | "info" | "warn" | "error";
      readonly message: string;
      readonly facts: Readonly<Record<string, unknown>>;
    }
  | { readonly type: "pong" }
  /** Its process holds noticeably more or less memory than it last said. */
  | { readonly type: "memory"; readonly residentBytes: number };

/** One end of the line between the two processes; a child process on one side, `process` on the other, a pair in tests. */
export interface Channel<Incoming, Outgoing> {
  send(message: Outgoing): void;
  onMessage(listener: (message: Incoming) => void): void;
}
