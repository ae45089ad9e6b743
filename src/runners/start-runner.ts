// Starts a runner: forks its process, has it load the model, and kills it when it hangs.
import { fork, type ChildProcess } from "node:child_process";
import { createInterface } from "node:readline";
import type { BackendDescription } from "../domain/backend.ts";
import type { DeviceServices, DeviceUse } from "../domain/device.ts";
import { ServerError, deserializeError } from "../domain/errors.ts";
import type { ModelSpec } from "../domain/model.ts";
import { onAbort } from "../util/abort.ts";
import { maxTimerMs } from "../util/timers.ts";
import type { RunnerMessage, ServerMessage } from "./protocol.ts";
import { RunnerBackend } from "./runner-backend.ts";

export interface StartRunnerOptions {
  readonly spec: ModelSpec;
  /** The runner's entry file. */
  readonly entry: URL;
  /** Variables added to the environment, e.g. `UV_THREADPOOL_SIZE`, which has an effect only when set before the start. */
  readonly environment: Readonly<Record<string, string>>;
  readonly cacheDirectory: string;
  readonly memoryBudgetBytes: number;
  /** How long the process may take until it takes messages. */
  readonly startTimeoutMs: number;
  /** How long the model may take to load from then on. */
  readonly loadTimeoutMs: number;
  /** A runner that sends nothing for so long while it has calls is killed; 0 = never. */
  readonly hangTimeoutMs: number;
  /** `Outbox.intervalMs` of the runner (outbox.ts); `auto` = by whether the model computes on every core. */
  readonly streamIntervalMs: number | "auto";
  readonly log: (level: "debug" | "info" | "warn" | "error", message: string, facts: Record<string, unknown>) => void;
  readonly gpu: Pick<DeviceServices, "policy" | "fault">;
  /** Called once when the process of a loaded model has ended, whatever the reason; `wasTold` = it was asked to. */
  readonly onExit: (reason: string, wasTold: boolean) => void;
  /** Called when the runner tells which devices it uses, the first time perhaps while it still loads. */
  readonly onDevice: (use: DeviceUse) => void;
  /** Called when the runner ends because its GPU has failed. */
  readonly onDeviceFailure: (reason: string) => void;
  /** Called when the runner reports that its memory has changed noticeably. */
  readonly onMemory: (residentBytes: number) => void;
  readonly signal: AbortSignal;
}

export interface StartedRunner {
  readonly backend: RunnerBackend;
  readonly processId: number;
  /** Memory of the process when the model was ready, bytes. */
  readonly residentBytes: number;
}

/** The process ended, or gave no answer in time, before the model was loaded: it did not tell what went wrong. */
export class RunnerLostError extends ServerError {
  /** e.g. `SIGSEGV`, or how long was waited. */
  readonly exit: string;

  constructor(kind: "timeout" | "model_load_failed", { message, exit }: { message: string; exit: string }) {
    super(kind, message);
    this.exit = exit;
  }
}

/** Milliseconds that a runner gets to free its model before it is killed. */
const stopGraceMs = 3_000;

/** Last lines of the runner's output that are kept to explain a crash. */
const keptLines = 8;

/**
 * Starts a process for one model and resolves when the model is loaded. Rejects, and kills the process, with the runner's error or
 * `model_load_failed` when the load fails, with `timeout` after `startTimeoutMs` or `loadTimeoutMs`, and with the signal's reason when
 * `signal` aborts first.
 */
export async function startRunner(options: StartRunnerOptions): Promise<StartedRunner> {
  const { spec, entry, log, signal } = options;
  signal.throwIfAborted();
  const child = forkRunner(options);
  const lastLines: string[] = [];
  collectOutput(child, (line) => {
    lastLines.push(line);
    if (lastLines.length > keptLines) lastLines.shift();
    log("debug", line, { model: spec.id, entry: entry.pathname });
  });

  let backend: RunnerBackend | undefined;
  let residentBytes = 0;
  let lastHeardMs = performance.now();
  const send = (message: ServerMessage): void => {
    if (child.connected) child.send(message, () => {});
  };
  const exited = new Promise<string>((resolve) => {
    child.once("error", (error) => resolve(error.message));
    child.once("exit", (code, exitSignal) => resolve(exitSignal ?? `exit code ${code}`));
  });
  let wasTold = false;
  const stop = async (): Promise<void> => {
    wasTold = true;
    send({ type: "dispose" });
    const timer = setTimeout(() => child.kill("SIGKILL"), stopGraceMs);
    await exited;
    clearTimeout(timer);
  };

  const description = await new Promise<BackendDescription>((resolve, reject) => {
    const fail = (error: unknown): void => {
      clearTimeout(timer);
      unsubscribe();
      reject(error);
      child.kill("SIGKILL");
    };
    const failAfter = (delayMs: number, what: string): NodeJS.Timeout =>
      setTimeout(
        () =>
          fail(
            new RunnerLostError("timeout", {
              message: `${what} within ${delayMs} ms.`,
              exit: `no answer within ${delayMs} ms`,
            }),
          ),
        Math.min(delayMs, maxTimerMs),
      );
    let timer = failAfter(options.startTimeoutMs, `The process for the model '${spec.id}' did not start`);
    const unsubscribe = onAbort(signal, () => fail(signal.reason));
    void exited.then((reason) => {
      const detail = lastLines.at(-1);
      fail(
        new RunnerLostError("model_load_failed", {
          message: `The process that was loading the model '${spec.id}' ended (${reason})${detail ? `: ${detail}` : "."}`,
          exit: reason,
        }),
      );
    });
    child.on("message", (raw) => {
      const message = raw as RunnerMessage;
      lastHeardMs = performance.now();
      switch (message.type) {
        case "started":
          clearTimeout(timer);
          timer = failAfter(options.loadTimeoutMs, `The model '${spec.id}' was not loaded`);
          return;
        case "ready":
          clearTimeout(timer);
          unsubscribe();
          residentBytes = message.residentBytes;
          resolve(message.description);
          return;
        case "load-failed":
          fail(deserializeError(message.error));
          return;
        case "updates":
          backend?.receive(message.updates);
          return;
        case "log":
          log(message.level, message.message, { model: spec.id, ...message.facts });
          return;
        case "memory":
          options.onMemory(message.residentBytes);
          return;
        case "device":
          options.onDevice(message.use);
          return;
        case "device-failed":
          options.onDeviceFailure(message.reason);
          return;
        case "pong":
          return;
      }
    });
    const { cacheDirectory, memoryBudgetBytes, streamIntervalMs, gpu } = options;
    send({ type: "load", spec, cacheDirectory, memoryBudgetBytes, streamIntervalMs, gpu });
  });

  // The listener above passes updates on to `receive`, so the backend's channel only sends.
  const ready = new RunnerBackend({
    modelId: spec.id,
    channel: { send, onMessage: () => {} },
    description,
    stop,
  });
  backend = ready;
  const watchdog = watch({
    hangTimeoutMs: options.hangTimeoutMs,
    isBusy: () => ready.busyCalls > 0,
    lastHeardMs: () => lastHeardMs,
    ping: () => send({ type: "ping" }),
    onHang: () => {
      log("error", "A runner no longer answers and is killed.", { model: spec.id });
      child.kill("SIGKILL");
    },
  });
  void exited.then((reason) => {
    clearInterval(watchdog);
    if (lastLines.length > 0) log("debug", "The last words of a runner.", { model: spec.id, lines: lastLines });
    ready.end(reason);
    options.onExit(reason, wasTold);
  });
  return { backend: ready, processId: child.pid ?? 0, residentBytes };
}

/** Pings a busy runner, and calls `onHang` once when it has sent nothing for `hangTimeoutMs`, not even a `pong`. */
function watch(options: {
  readonly hangTimeoutMs: number;
  readonly isBusy: () => boolean;
  readonly lastHeardMs: () => number;
  readonly ping: () => void;
  readonly onHang: () => void;
}): NodeJS.Timeout | undefined {
  const { hangTimeoutMs, isBusy, lastHeardMs, ping, onHang } = options;
  if (hangTimeoutMs === 0) return undefined;
  let busySinceMs: number | undefined;
  const timer = setInterval(
    () => {
      const nowMs = performance.now();
      busySinceMs = isBusy() ? (busySinceMs ?? nowMs) : undefined;
      if (busySinceMs === undefined) return;
      if (nowMs - Math.max(lastHeardMs(), busySinceMs) > hangTimeoutMs) {
        clearInterval(timer);
        onHang();
        return;
      }
      ping();
    },
    Math.min(hangTimeoutMs / 4, maxTimerMs),
  );
  timer.unref();
  return timer;
}

function forkRunner({ spec, entry, environment }: StartRunnerOptions): ChildProcess {
  // In development and in tests the sources run under a TypeScript loader; the built files need none.
  const execArgv = entry.pathname.endsWith(".ts") ? ["--import", "tsx"] : [];
  return fork(entry, ["runner", spec.kind, spec.id], {
    serialization: "advanced",
    stdio: ["ignore", "pipe", "pipe", "ipc"],
    execArgv,
    env: { ...withoutSecrets(process.env), ...environment },
  });
}

/** The environment without the keys that callers present: a runner never needs them. */
function withoutSecrets(environment: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(environment).filter(([name]) => !/^HEARTH_.*KEY/i.test(name)));
}

function collectOutput(child: ChildProcess, onLine: (line: string) => void): void {
  for (const stream of [child.stdout, child.stderr]) {
    if (stream) createInterface({ input: stream }).on("line", onLine);
  }
}
