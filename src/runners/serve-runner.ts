// The runner's side of the protocol: loads one backend, runs the server's calls on it and sends their events back.
import type { Backend, BackendContext, Operation, Operations } from "../domain/backend.ts";
import { ServerError, serializeError } from "../domain/errors.ts";
import type { ModelSpec } from "../domain/model.ts";
import { CallOutput } from "./call-output.ts";
import { MemoryReport } from "./memory-report.ts";
import { Outbox } from "./outbox.ts";
import type { CallId, Channel, RunnerMessage, ServerMessage } from "./protocol.ts";

export interface ServeRunnerOptions {
  readonly channel: Channel<ServerMessage, RunnerMessage>;
  readonly createBackend: (spec: ModelSpec, context: BackendContext) => Promise<Backend>;
  /** Ends the process; called once the backend is disposed of. After a failed load the server kills the process. */
  readonly exit: (code: number) => void;
}

type LoadMessage = Extract<ServerMessage, { readonly type: "load" }>;
type RunMessage = Extract<ServerMessage, { readonly type: "run" }>;

/** `auto` interval for a model that computes on every core: tokens of small models come faster than it pays to wake the server for. */
const contendedIntervalMs = 5;

/** Serves one backend over `channel` until the server tells it to dispose of it. */
export function serveRunner({ channel, createBackend, exit }: ServeRunnerOptions): void {
  const calls = new Map<CallId, CallOutput>();
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
        void serveCall(message);
        return;
      case "cancel":
        calls.get(message.id)?.cancel(new ServerError("cancelled", "The request was cancelled."));
        return;
      case "credit":
        calls.get(message.id)?.grant(message.count);
        return;
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

  async function load({ spec, cacheDirectory, memoryBudgetBytes, streamIntervalMs, gpu }: LoadMessage): Promise<void> {
    try {
      backend = await createBackend(spec, {
        cacheDirectory,
        memoryBudgetBytes,
        signal: lifetime.signal,
        log: (level, text, facts = {}) => channel.send({ type: "log", level, message: text, facts }),
        devices: {
          ...gpu,
          tell: (use) => sent({ type: "device", use }),
          giveUp: async (reason) => {
            await sent({ type: "device-failed", reason });
            exit(1);
            // Nobody goes on with what the device left behind.
            return new Promise(() => {});
          },
        },
      });
      const { occupiesAllCores = false } = backend.description;
      outbox.intervalMs = streamIntervalMs === "auto" ? (occupiesAllCores ? contendedIntervalMs : 0) : streamIntervalMs;
      channel.send({
        type: "ready",
        description: backend.description,
        residentBytes: memory.take(),
      });
    } catch (error) {
      // Unlike other faults, that of a load is told in full: the operator and the caller both need the reason.
      const reason = error instanceof Error ? error.message : String(error);
      const failure =
        error instanceof ServerError
          ? error
          : new ServerError("model_load_failed", `The model '${spec.id}' could not be loaded: ${reason}`);
      channel.send({ type: "load-failed", error: serializeError(failure) });
    }
  }

  function sent(message: RunnerMessage): Promise<void> {
    return new Promise((resolve) => channel.send(message, resolve));
  }

  async function serveCall({ id, operation, request, credit }: RunMessage): Promise<void> {
    const output = new CallOutput(id, { outbox, credit });
    calls.set(id, output);
    try {
      if (backend === undefined) throw new ServerError("internal", "The runner has no model yet.");
      await backend.run(operation, request as Operations[Operation]["request"], {
        sink: output,
        signal: output.signal,
      });
      outbox.push({ id, end: true }, "urgent");
    } catch (error) {
      if (!(error instanceof ServerError) && !output.signal.aborted) {
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
    for (const call of calls.values()) call.cancel(reason);
    await backend?.dispose().catch(() => {});
    exit(0);
  }
}
