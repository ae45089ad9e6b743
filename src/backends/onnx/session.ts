// Opens graphs with the first execution provider of a list that works on this machine. A fallback is never silent: `deviceNote` goes
// into the model's description and the log. A provider that failed while a later one worked is not tried for further graphs.
import { InferenceSession } from "./runtime.ts";
import { ServerError } from "../../domain/errors.ts";

export interface SessionOpener {
  /** The execution provider in use; `cpu` before the first session. */
  readonly device: string;
  /** Why earlier providers of the list are not in use; `undefined` where none failed. */
  readonly deviceNote: string | undefined;
  /** @throws ServerError `model_load_failed` where the graph opens with no provider, the CPU included */
  open(path: string): Promise<InferenceSession>;
}

/** Providers are tried in order, the CPU last if the list does not name it. Those after the CPU are never tried: it always works. */
export function createSessionOpener({
  executionProviders,
  threads,
}: {
  readonly executionProviders: readonly string[];
  readonly threads: number;
}): SessionOpener {
  const cpuAt = executionProviders.indexOf("cpu");
  let candidates = cpuAt < 0 ? [...executionProviders, "cpu"] : executionProviders.slice(0, cpuAt + 1);
  let device = "cpu";
  /** The errors of the providers that are no longer tried. */
  const givenUp: string[] = [];
  return {
    get device() {
      return device;
    },
    get deviceNote() {
      return givenUp.length === 0 ? undefined : `${device} is used because others failed: ${givenUp.join("; ")}`;
    },
    async open(path) {
      const failures: string[] = [];
      for (const provider of candidates) {
        try {
          const session = await InferenceSession.create(path, sessionOptions(provider, threads));
          device = provider;
          candidates = candidates.slice(failures.length);
          givenUp.push(...failures);
          return session;
        } catch (error) {
          failures.push(`${provider}: ${error instanceof Error ? error.message : String(error)}`);
        }
      }
      throw new ServerError("model_load_failed", `The graph ${path} cannot be opened: ${failures.join("; ")}`);
    },
  };
}

function sessionOptions(provider: string, threads: number): InferenceSession.SessionOptions {
  return {
    executionProviders: [provider],
    graphOptimizationLevel: "all",
    intraOpNumThreads: threads,
    interOpNumThreads: 1,
    executionMode: "sequential",
    // The runtime would keep a memory plan for every shape it has seen, and texts come in hundreds of shapes. For a picture the plan
    // comes on top of what the first run took: 2.5 GB in place of 1.4 GB for a batch of two at 512x512, and no faster.
    enableMemPattern: false,
    // Only fatal: errors are thrown with their text, and an operator can do nothing with what the runtime prints besides.
    logSeverityLevel: 4,
    // Threads that spin between runs would take cores from tokenising, from writing pictures, from the server and other runners.
    extra: { session: { intra_op: { allow_spinning: "0" } } },
  };
}
