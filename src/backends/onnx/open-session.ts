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
  let deviceNote: string | undefined;
  return {
    get device() {
      return device;
    },
    get deviceNote() {
      return deviceNote;
    },
    async open(path) {
      const failures: string[] = [];
      for (const provider of candidates) {
        try {
          const session = await InferenceSession.create(path, sessionOptions(provider, threads));
          device = provider;
          if (failures.length > 0) {
            candidates = candidates.slice(candidates.indexOf(provider));
            deviceNote = `${provider} is used because others failed: ${failures.join("; ")}`;
          }
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
    // Planned memory comes on top of what the first run took: 2.5 GB in place of 1.4 GB for a batch of two at 512x512, and no faster.
    enableMemPattern: false,
    // Errors are thrown with their text; what the runtime prints beside it is nothing an operator can act on.
    logSeverityLevel: 4,
    // Threads that spin between calls take the cores from the picture encoder, the server and other runners.
    extra: { session: { intra_op: { allow_spinning: "0" } } },
  };
}
