// `hearth bench http`: measures the server itself, by requests whose model time is next to nothing.
import { serverOf, type Benchmark, type Figure, type Measurement, type Point } from "../benchmark.ts";
import { runFor, timed } from "../closed-loop.ts";
import type { ServerClient } from "../peers/server-client.ts";
import { percentiles } from "../statistics.ts";

export interface HttpBenchmarkOptions {
  /** Numbers of connections; each makes a point with each kind of request. */
  readonly connections: readonly number[];
  readonly requests: readonly RequestKind[];
  /** Duration of one measurement. */
  readonly durationMs: number;
  /** Prompt of the completions and chats. */
  readonly prompt: string;
}

/** `models`: `GET /v1/models`. `completion`: one token after a prompt. `chat`: one token of an answer. */
export type RequestKind = "models" | "completion" | "chat";

interface HttpPoint extends Point {
  readonly kind: RequestKind;
}

const titles: Readonly<Record<RequestKind, string>> = {
  models: "GET /models",
  completion: "one-token completion",
  chat: "one-token chat",
};

const figures: readonly Figure[] = [
  { key: "requests_per_second", title: "requests", unit: "req/s", better: "higher" },
  { key: "latency_p50", title: "latency, p50", unit: "ms", better: "lower" },
  { key: "latency_p95", title: "latency, p95", unit: "ms", better: "lower" },
  { key: "latency_p99", title: "latency, p99", unit: "ms", better: "lower" },
];

export function createHttpBenchmark(options: HttpBenchmarkOptions): Benchmark<HttpPoint> {
  return {
    name: "http",
    title: "Bare server",
    parameters: { seconds: options.durationMs / 1000, prompt: options.prompt },
    points: options.requests.flatMap((kind) =>
      options.connections.map((x) => ({
        label: `${titles[kind]}, ${x} ${x === 1 ? "connection" : "connections"}`,
        series: titles[kind],
        x,
        kind,
      })),
    ),
    axis: "connections",
    figures,
    unitOfWork: "request",
    charts: [
      { title: "Latency", unit: "ms", figures: ["latency_p50", "latency_p99"] },
      { title: "Requests", unit: "req/s", figures: ["requests_per_second"] },
    ],
    startsServers: false,
    prepare: () => Promise.resolve(),
    async measure(subject, { point, round, signal }): Promise<Measurement> {
      const server = serverOf(subject);
      const send = createSender(server, { kind: point.kind, prompt: options.prompt, signal });
      await send();
      const durationMs = round < 0 ? Math.min(500, options.durationMs) : options.durationMs;
      const { results, errors, elapsedMs } = await runFor(durationMs, {
        workers: point.x,
        run: () => timed(send),
        signal,
      });
      if (results.length === 0) return { values: {}, errors };
      const latencies = percentiles(
        "latency",
        results.map((result) => result.elapsedMs),
      );
      const values = { requests_per_second: (results.length * 1000) / elapsedMs, ...latencies };
      return { values, work: results.length, errors };
    },
  };
}

function createSender(
  server: ServerClient,
  { kind, prompt, signal }: { readonly kind: RequestKind; readonly prompt: string; readonly signal: AbortSignal },
): () => Promise<unknown> {
  const limits = { max_tokens: 1, temperature: 0 };
  switch (kind) {
    case "models":
      return () => server.getJson("/models", signal);
    case "completion":
      return async () => server.post("/completions", { model: await server.model(signal), prompt, ...limits }, signal);
    case "chat":
      return async () => {
        const messages = [{ role: "user", content: prompt }];
        return server.post("/chat/completions", { model: await server.model(signal), messages, ...limits }, signal);
      };
  }
}
