// A server that a benchmark starts by a command, waits for and stops.
import { spawn, type ChildProcess } from "node:child_process";
import { createInterface } from "node:readline";
import { delay } from "../../util/abort.ts";
import type { ServerClient } from "./server-client.ts";

/** How long a server may take to become healthy: it may read a large model from a slow disk. */
const healthTimeoutMs = 10 * 60_000;
const probeIntervalMs = 50;
/** Milliseconds that a server gets to end by itself before it is killed. */
const stopGraceMs = 10_000;
const keptLines = 12;

export class PeerProcess {
  readonly #child: ChildProcess;
  readonly #command: string;
  readonly #exited: Promise<string>;
  readonly #lines: string[] = [];
  #ended: string | null = null;

  /** `command` is for a shell; it starts in a process group of its own, so that all of it can be stopped. */
  constructor(command: string) {
    this.#command = command;
    this.#child = spawn(command, { shell: true, detached: true, stdio: ["ignore", "pipe", "pipe"] });
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      if (stream === null) continue;
      createInterface({ input: stream }).on("line", (line) => {
        this.#lines.push(line);
        if (this.#lines.length > keptLines) this.#lines.shift();
      });
    }
    this.#exited = new Promise((resolve) => {
      this.#child.once("error", (error) => resolve(error.message));
      this.#child.once("exit", (code, signal) => resolve(signal ?? `exit code ${code}`));
    });
    void this.#exited.then((reason) => (this.#ended = reason));
  }

  get processId(): number {
    return this.#child.pid ?? 0;
  }

  /** @throws Error with the last lines of its output when the process has ended */
  assertRunning(): void {
    if (this.#ended === null) return;
    throw new Error(`"${this.#command}" ended (${this.#ended}):\n${this.#lines.join("\n")}`);
  }

  /** Waits until the server is healthy. @throws Error when it ends before, or is not healthy in time */
  async waitUntilHealthy(client: ServerClient, signal: AbortSignal): Promise<void> {
    const deadline = performance.now() + healthTimeoutMs;
    while (!(await isHealthy(client, signal))) {
      this.assertRunning();
      if (performance.now() > deadline) throw new Error(`"${this.#command}" was not healthy within 10 minutes.`);
      await delay(probeIntervalMs, signal);
    }
    // Another server may have the port and have answered, while this one failed to take it.
    this.assertRunning();
  }

  async stop(): Promise<void> {
    if (this.#ended !== null) return;
    killGroup(this.#child, "SIGTERM");
    const timer = setTimeout(() => killGroup(this.#child, "SIGKILL"), stopGraceMs);
    await this.#exited;
    clearTimeout(timer);
  }
}

/**
 * Asks `/health`, or for the list of models where there is no `/health`. (llama-server lists its models before they are loaded.)
 * A server that refuses the connection is not healthy.
 */
export async function isHealthy(client: ServerClient, signal: AbortSignal): Promise<boolean> {
  try {
    const { status } = await client.get("/health", signal);
    if (status !== 404) return status === 200;
    await client.getJson("/models", signal);
    return true;
  } catch {
    signal.throwIfAborted();
    return false;
  }
}

/** Signals a child and everything it started. */
export function killGroup(child: ChildProcess, signal: NodeJS.Signals): void {
  if (child.pid === undefined) return;
  try {
    process.kill(-child.pid, signal);
  } catch {
    // It has already ended.
  }
}
