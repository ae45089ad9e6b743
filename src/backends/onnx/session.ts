// Opens the graph with the first execution provider that works here. A fallback is never silent: it is told in the
// description of the model, and in the log.
import { InferenceSession } from "./runtime.ts";
import { ServerError } from "../../domain/errors.ts";

export interface OpenSession {
  readonly session: InferenceSession;
  /** The execution provider in use. */
  readonly device: string;
  /** Why an earlier one of the list is not in use. */
  readonly deviceNote: string | undefined;
}

/**
 * @throws ServerError `model_load_failed` where the graph opens with no provider, the CPU included
 */
export async function openSession(
  path: string,
  { executionProviders, threads }: { readonly executionProviders: readonly string[]; readonly threads: number },
): Promise<OpenSession> {
  const failures: string[] = [];
  const providers = executionProviders.filter((name) => name !== "cpu");
  const tried = executionProviders.includes("cpu")
    ? executionProviders.slice(0, executionProviders.indexOf("cpu") + 1)
    : [...providers, "cpu"];
  for (const provider of tried) {
    try {
      const session = await InferenceSession.create(path, sessionOptions(provider, threads));
      const deviceNote =
        failures.length === 0 ? undefined : `${provider} is used because others failed: ${failures.join("; ")}`;
      return { session, device: provider, deviceNote };
    } catch (error) {
      failures.push(`${provider}: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
  throw new ServerError("model_load_failed", `The graph ${path} cannot be opened: ${failures.join("; ")}`);
}

function sessionOptions(provider: string, threads: number): InferenceSession.SessionOptions {
  return {
    executionProviders: [provider],
    graphOptimizationLevel: "all",
    intraOpNumThreads: threads,
    interOpNumThreads: 1,
    executionMode: "sequential",
    // A plan of memory is kept for every shape ever seen, and texts come in hundreds of shapes.
    enableMemPattern: false,
    // Warnings about unused initialisers are nothing an operator can act on.
    logSeverityLevel: 3,
    // Threads that spin between calls take the cores from tokenising, from the server and from other runners.
    extra: { session: { intra_op: { allow_spinning: "0" } } },
  };
}
