// `hearth bench startup`: measures the time from the start of a server to its first answer and its first token, and its memory then.
import { delay } from "../../util/abort.ts";
import { serverOf, type Benchmark, type Figure, type Measurement, type Subject } from "../benchmark.ts";
import { PeerProcess } from "../peers/peer-process.ts";
import { residentTreeBytes } from "../peers/process-facts.ts";
import { RequestFailure, type ServerClient } from "../peers/server-client.ts";
import { streamCompletion, type CompletionRequest, type TextEndpoint } from "../peers/stream-completion.ts";

export interface StartupBenchmarkOptions {
  /** Endpoint of the first token; `null` = no token is asked for, as the server has no text model. */
  readonly endpoint: TextEndpoint | null;
  readonly prompt: string;
  /** Milliseconds without a request before the idle memory is read. */
  readonly settleMs: number;
}

const figures: readonly Figure[] = [
  { key: "listening", title: "start to listening", unit: "ms", better: "lower" },
  { key: "first_token", title: "start to first token", unit: "ms", better: "lower" },
  { key: "second_first_token", title: "first token of the next request", unit: "ms", better: "lower" },
  { key: "idle_memory", title: "memory when listening", unit: "MB", better: "lower" },
  { key: "loaded_memory", title: "memory after the first answer", unit: "MB", better: "lower" },
];

const probeIntervalMs = 2;
const retryIntervalMs = 10;
const startTimeoutMs = 10 * 60_000;

export function createStartupBenchmark(options: StartupBenchmarkOptions): Benchmark {
  return {
    name: "startup",
    title: "Start",
    parameters: { endpoint: options.endpoint ?? "none", settle_ms: options.settleMs },
    points: [{ label: "cold start", series: "", x: 1 }],
    axis: "",
    figures,
    unitOfWork: "",
    charts: [
      { title: "From the start", unit: "ms", figures: ["listening", "first_token"] },
      { title: "Memory", unit: "MB", figures: ["idle_memory", "loaded_memory"] },
    ],
    startsServers: true,
    prepare: () => Promise.resolve(),
    measure: (subject, { signal }) => measureStart(subject, { options, signal }),
  };
}

async function measureStart(
  subject: Subject,
  { options, signal }: { readonly options: StartupBenchmarkOptions; readonly signal: AbortSignal },
): Promise<Measurement> {
  const server = serverOf(subject);
  if (subject.command === null) throw new Error(`${subject.label} has no command to start it with.`);
  if (await answers(server, signal))
    throw new Error(`Something answers at ${server.origin} before ${subject.label} is started.`);
  const startMs = performance.now();
  const peer = new PeerProcess(subject.command);
  try {
    await until(() => answers(server, signal), { peer, intervalMs: probeIntervalMs, signal });
    const values: Record<string, number> = { listening: performance.now() - startMs };
    await delay(options.settleMs, signal);
    const settledMs = performance.now() - startMs - (values["listening"] ?? 0);
    addMemory(values, { key: "idle_memory", peer });
    const { endpoint, prompt } = options;
    if (endpoint === null) return { values, errors: [] };
    const request: CompletionRequest = { endpoint, turns: [{ role: "user", content: prompt }], maxTokens: 1 };
    await until(() => completes(server, request, signal), { peer, intervalMs: retryIntervalMs, signal });
    // Without the pause before the memory was read, which is not the server's time.
    values["first_token"] = performance.now() - startMs - settledMs;
    values["second_first_token"] = (await streamCompletion(server, request, signal)).firstTextMs;
    addMemory(values, { key: "loaded_memory", peer });
    return { values, errors: [] };
  } finally {
    await peer.stop();
  }
}

function addMemory(
  values: Record<string, number>,
  { key, peer }: { readonly key: string; readonly peer: PeerProcess },
): void {
  const bytes = residentTreeBytes(peer.processId);
  if (bytes !== null) values[key] = bytes / 1e6;
}

/** Whether the server listens: any answer will do. */
async function answers(server: ServerClient, signal: AbortSignal): Promise<boolean> {
  try {
    await server.get("/health", signal);
    return true;
  } catch {
    signal.throwIfAborted();
    return false;
  }
}

/** Completes one token; false while the server answers that it is still loading (503). */
async function completes(server: ServerClient, request: CompletionRequest, signal: AbortSignal): Promise<boolean> {
  try {
    await streamCompletion(server, request, signal);
    return true;
  } catch (error) {
    if (error instanceof RequestFailure && error.status === 503) return false;
    throw error;
  }
}

async function until(
  condition: () => Promise<boolean>,
  {
    peer,
    intervalMs,
    signal,
  }: { readonly peer: PeerProcess; readonly intervalMs: number; readonly signal: AbortSignal },
): Promise<void> {
  const deadlineMs = performance.now() + startTimeoutMs;
  while (!(await condition())) {
    peer.assertRunning();
    if (performance.now() > deadlineMs) throw new Error("The server did not start within 10 minutes.");
    await delay(intervalMs, signal);
  }
}
