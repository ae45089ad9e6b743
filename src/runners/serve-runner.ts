// The runner's side of the line: takes calls, drives one backend, sends its events back. Knows no concrete backend.
import type { Backend, BackendContext, Operation, Operations } from "../domain/backend.ts";
import { ServerError, serializeError } from "../domain/errors.ts";
import type { ModelSpec } from "../domain/model.ts";
import { MemoryReport } from "./memory-report.ts";
import { Outbox, type Urgency } from "./outbox.ts";
import { creditWindow, type CallId, type Channel, type RunnerMessage, type ServerMessage } from "./protocol.ts";

export interface ServeRunnerOptions {
  readonly channel: Channel<ServerMessage, RunnerMessage>;
  readonly createBackend: (spec: ModelSpec, context: BackendContext) => Promise<Backend>;
  /** Ends the process; called after the backend was disposed, and after a failed load. */
  readonly exit: (code: number) => void;
}

interface ActiveCall {
  readonly abort: AbortController;
  credit: number;
  /** Set while the call waits for credit. */
  wake: (() => void) | undefined;
}

type LoadMessage = Extract<ServerMessage, { readonly type: "load" }>;

/** Tokens leave at most so often from a model that computes on every core: 25 times a second reads as one flow. */
const contendedIntervalMs = 40;

/** That a call was accepted is of use only when its first token is long in coming; that one never waits. */
const urgencies: readonly Urgency[] = ["lazy", "urgent"];

/** Serves one backend over `channel` until it is told to dispose. */
export function serveRunner({ channel, createBackend, exit }: ServeRunnerOptions): void {
  const calls = new Map<CallId, ActiveCall>();
  const lifetime = new AbortController();
  const outbox = new Outbox((updates) => channel.send({ type: "updates", updates }));
  const memory = new MemoryReport({
    read: () => process.memoryUsage.rss(),
    tell: (residentBytes) => channel.send({ type: "memory", residentBytes }),
  });
  let backend: Backend | undefined;

  channel.onMessage((message) => {
    switch (message.type) {
      case "load":
        void load(message);
        return;
      case "run":
        void serveCall(message.id, message.operation, message.request);
        return;
      case "cancel":
        calls.get(message.id)?.abort.abort(new ServerError("cancelled", "The request was cancelled."));
        calls.get(message.id)?.wake?.();
        return;
      case "credit": {
        const call = calls.get(message.id);
        if (call === undefined) return;
        call.credit += message.count;
        call.wake?.();
        return;
      }
      case "ping":
        channel.send({ type: "pong" });
        memory.tellChange();
        return;
      case "dispose":
        void dispose();
        return;
    }
  });

  channel.send({ type: "started" });

  async function load({ spec, cacheDirectory, streamIntervalMs }: LoadMessage): Promise<void> {
    try {
      backend = await createBackend(spec, {
        cacheDirectory,
        signal: lifetime.signal,
        log: (level, text, facts = {}) => channel.send({ type: "log", level, message: text, facts }),
      });
      const { occupiesAllCores = false } = backend.description;
      outbox.intervalMs = streamIntervalMs === "auto" ? (occupiesAllCores ? contendedIntervalMs : 0) : streamIntervalMs;
      channel.send({
        type: "ready",
        description: backend.description,
        residentBytes: memory.take(),
      });
    } catch (error) {
      // The reason of a failed load is the operator's business and the caller's: unlike other faults it is told in full.
      const reason = error instanceof Error ? error.message : String(error);
      const failure =
        error instanceof ServerError
          ? error
          : new ServerError("model_load_failed", `The model '${spec.id}' could not be loaded: ${reason}`);
      channel.send({ type: "load-failed", error: serializeError(failure) });
    }
  }

  async function serveCall(id: CallId, operation: Operation, request: unknown): Promise<void> {
    const call: ActiveCall = { abort: new AbortController(), credit: creditWindow, wake: undefined };
    calls.set(id, call);
    let events = 0;
    try {
      if (backend === undefined) throw new ServerError("internal", "The runner has no model yet.");
      const stream = backend.run(operation, request as Operations[Operation]["request"], call.abort.signal);
      for await (const event of stream) {
        call.credit -= 1;
        outbox.push({ id, event }, urgencies[events] ?? "interval");
        events += 1;
        while (call.credit <= 0 && !call.abort.signal.aborted) await creditFor(call);
        if (call.abort.signal.aborted) break;
      }
      outbox.push({ id, end: true }, "urgent");
    } catch (error) {
      if (!(error instanceof ServerError) && !call.abort.signal.aborted) {
        const detail = error instanceof Error ? (error.stack ?? error.message) : String(error);
        channel.send({ type: "log", level: "error", message: "A backend failed.", facts: { operation, detail } });
      }
      outbox.push({ id, error: serializeError(error) }, "urgent");
    } finally {
      calls.delete(id);
      memory.tellChange();
    }
  }

  async function dispose(): Promise<void> {
    const reason = new ServerError("shutting_down", "The model is being unloaded.");
    lifetime.abort(reason);
    for (const call of calls.values()) call.abort.abort(reason);
    await backend?.dispose().catch(() => {});
    exit(0);
  }
}

function creditFor(call: ActiveCall): Promise<void> {
  return new Promise((resolve) => {
    call.wake = () => {
      call.wake = undefined;
      resolve();
    };
  });
}
