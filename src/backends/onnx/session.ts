// Opens graphs with the first execution provider that works here. A fallback is never silent: it is told in the description of the
// model and in the log, and a provider that failed once is not tried again for the next graph.
import { InferenceSession } from "./runtime.ts";
import { ServerError } from "../../domain/errors.ts";

export interface SessionOpener {
  /** The execution provider in use; the CPU until a session was opened. */
  readonly device: string;
  /** Why an earlier one of the list is not in use. */
  readonly deviceNote: string | undefined;
  /** @throws ServerError `model_load_failed` where the graph opens with no provider, the CPU included */
  open(path: string): Promise<InferenceSession>;
}

/** The CPU is tried last where the list does not name it; what stands behind it is never tried, as the CPU always works. */
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
  /** What each provider that is not tried any more failed with. */
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
    // A plan of memory is kept for every shape ever seen, and texts come in hundreds of shapes. For pictures it comes on top of what the
    // first run took: 2.5 GB in place of 1.4 GB for a batch of two at 512x512, and no faster.
    enableMemPattern: false,
    // Errors are thrown with their text; what the runtime prints beside it is nothing an operator can act on.
    logSeverityLevel: 4,
    // Threads that spin between calls take the cores from tokenising, from the picture encoder, the server and other runners.
    extra: { session: { intra_op: { allow_spinning: "0" } } },
  };
}
