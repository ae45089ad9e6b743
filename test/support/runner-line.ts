// The server's and the runner's side of their connection in one process. Messages are cloned on the way, as between processes.
import type { Backend } from "../../src/domain/backend.ts";
import type { DeviceServices } from "../../src/domain/device.ts";
import type { ModelSpec } from "../../src/domain/model.ts";
import type { RunnerMessage, ServerMessage } from "../../src/runners/protocol.ts";
import { RunnerBackend } from "../../src/runners/runner-backend.ts";
import { serveRunner } from "../../src/runners/serve-runner.ts";

export interface RunnerLine {
  /** The server's side. Its `dispose` tells the runner to, and resolves when the runner exits. */
  readonly line: RunnerBackend;
  /** Messages that the server sent. */
  readonly sent: readonly ServerMessage[];
  /** Codes with which the runner exited. */
  readonly exits: readonly number[];
  /** Number of messages with updates that the runner sent. */
  readonly updates: () => number;
  /** Messages about devices that the runner sent. */
  readonly told: readonly RunnerMessage[];
  /** What the runner gave its backend. */
  readonly devices: DeviceServices;
}

/** Serves `backend` on the runner's side. */
export async function connectRunner(
  backend: Backend,
  { streamIntervalMs = 0 }: { streamIntervalMs?: number | "auto" } = {},
): Promise<RunnerLine> {
  const sent: ServerMessage[] = [];
  let updates = 0;
  const exits: number[] = [];
  const told: RunnerMessage[] = [];
  let devices: DeviceServices | undefined;
  let toRunner: (message: ServerMessage) => void = () => {};
  let onExit = (): void => {};
  const line = new RunnerBackend({
    modelId: "m",
    description: backend.description,
    stop: () =>
      new Promise((resolve) => {
        onExit = resolve;
        toRunner({ type: "dispose" });
      }),
    channel: {
      send: (message) => {
        sent.push(message);
        toRunner(structuredClone(message));
      },
      onMessage: () => {},
    },
  });
  await new Promise<void>((ready) => {
    serveRunner({
      createBackend: (_spec, context) => {
        ({ devices } = context);
        return Promise.resolve(backend);
      },
      exit: (code) => {
        exits.push(code);
        onExit();
      },
      channel: {
        send: (message: RunnerMessage, onSent) => {
          if (message.type === "ready") ready();
          if (message.type.startsWith("device")) told.push(structuredClone(message));
          onSent?.();
          if (message.type !== "updates") return;
          updates += 1;
          line.receive(structuredClone(message.updates));
        },
        onMessage: (listener) => {
          toRunner = listener;
        },
      },
    });
    toRunner({
      type: "load",
      spec: {} as ModelSpec,
      cacheDirectory: "",
      memoryBudgetBytes: Infinity,
      streamIntervalMs,
      gpu: { policy: "auto", fault: "it died" },
    });
  });
  return { line, sent, exits, updates: () => updates, told, devices: devices! };
}
