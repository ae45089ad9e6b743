// Runs a job in a process of its own, with a time limit: a GPU's driver may crash or hang, and then takes this process along and not the
// model's.
import { fork } from "node:child_process";
import { createInterface } from "node:readline";
import { onAbort } from "../../../util/abort.ts";

export interface ApartOptions {
  /** The process's entry; it gets the job as its first message and sends one answer. */
  readonly entry: URL;
  readonly job: unknown;
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
  /** Added to the environment. */
  readonly environment?: Readonly<Record<string, string>>;
}

export type ApartOutcome =
  | { readonly type: "answer"; readonly answer: unknown; readonly output: readonly string[] }
  /** `reason` is part of a sentence: `the process ended with SIGSEGV`. */
  | { readonly type: "lost"; readonly reason: string; readonly output: readonly string[] };

/** Lines of the process's output that are kept; a Vulkan loader that is asked for its findings writes some hundred. */
const keptLines = 2_000;

/** Rejects only with the signal's reason. */
export async function runApart({
  entry,
  job,
  timeoutMs,
  signal,
  environment = {},
}: ApartOptions): Promise<ApartOutcome> {
  signal.throwIfAborted();
  const isSource = entry.pathname.endsWith(".ts");
  const child = fork(entry, {
    serialization: "advanced",
    stdio: ["ignore", "pipe", "pipe", "ipc"],
    execArgv: isSource ? ["--import", "tsx"] : [],
    env: { ...process.env, ...environment },
  });
  const output: string[] = [];
  for (const stream of [child.stdout, child.stderr]) {
    if (stream === null) continue;
    createInterface({ input: stream }).on("line", (line) => {
      if (line.trim() === "") return;
      output.push(line);
      if (output.length > keptLines) output.shift();
    });
  }
  let timer: NodeJS.Timeout | undefined;
  let unsubscribe: (() => void) | undefined;
  try {
    return await new Promise<ApartOutcome>((resolve, reject) => {
      let answer: unknown;
      const lose = (reason: string): void => resolve({ type: "lost", reason, output });
      child.once("message", (message) => {
        answer = message;
        // A driver may crash or hang when its device is freed, so nothing is.
        child.kill("SIGKILL");
      });
      child.once("error", (error) => lose(error.message));
      // At `close` the output is complete too.
      child.once("close", (code, exitSignal) => {
        if (answer !== undefined) resolve({ type: "answer", answer, output });
        else lose(`the process ended with ${exitSignal ?? `exit code ${code}`}`);
      });
      timer = setTimeout(() => lose(`it took longer than ${timeoutMs / 1000} s`), timeoutMs);
      unsubscribe = onAbort(signal, () => reject(signal.reason as Error));
      child.send({ job }, () => {});
    });
  } finally {
    clearTimeout(timer);
    unsubscribe?.();
    child.kill("SIGKILL");
  }
}

/** To be called by the entry of such a process: answers the one job. The process is ended from outside. */
export function answerApart(run: (job: unknown) => Promise<unknown>): void {
  process.on("disconnect", () => process.exit(0));
  process.once("message", (message) => {
    void run((message as { readonly job: unknown }).job).then((answer) => process.send?.(answer));
  });
}
