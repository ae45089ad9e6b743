// `hearth bench images`: measures seconds per picture and per step, and the time of a request over that inside the runtime.
import { sum } from "simple-statistics";
import type { Benchmark, Figure, Measurement, Point, Subject } from "../benchmark.ts";
import { runJobs, timed } from "../closed-loop.ts";
import type { ServerClient } from "../peers/server-client.ts";
import { percentiles } from "../statistics.ts";

export interface ImagesBenchmarkOptions {
  /** Numbers of clients, one point each. */
  readonly concurrency: readonly number[];
  /** Such as `512x512`; `null` = the model's default. */
  readonly size: string | null;
  /** `null` = the model's default; then there is no figure per step. */
  readonly steps: number | null;
  /** Pictures in one request. */
  readonly n: number;
  /** Requests per client and round. */
  readonly requests: number;
  readonly prompt: string;
  readonly seed: number;
}

const figures: readonly Figure[] = [
  { key: "seconds_per_image", title: "seconds per image", unit: "s", better: "lower" },
  { key: "seconds_per_step", title: "seconds per step", unit: "s", better: "lower" },
  { key: "latency_p50", title: "latency of a request, p50", unit: "ms", better: "lower" },
  { key: "latency_p95", title: "latency of a request, p95", unit: "ms", better: "lower" },
  { key: "overhead", title: "time over the runtime's own", unit: "×", better: "lower" },
];

export function createImagesBenchmark(options: ImagesBenchmarkOptions): Benchmark {
  return {
    name: "images",
    title: "Images",
    parameters: {
      size: options.size ?? "the model's",
      steps: options.steps ?? "the model's",
      n: options.n,
      requests_per_client: options.requests,
      prompt: options.prompt,
      seed: options.seed,
    },
    points: options.concurrency.map((x) => ({ label: x === 1 ? "1 client" : `${x} clients`, series: "", x })),
    axis: "clients",
    figures,
    unitOfWork: "image",
    charts: [
      { title: "Latency of a request", unit: "ms", figures: ["latency_p50", "latency_p95"] },
      { title: "Seconds per image", unit: "s", figures: ["seconds_per_image"] },
    ],
    startsServers: false,
    prepare: () => Promise.resolve(),
    measure: (subject, { point, signal }) => measureImages(subject, { options, point, signal }),
  };
}

async function measureImages(
  { server, process }: Subject,
  {
    options,
    point,
    signal,
  }: { readonly options: ImagesBenchmarkOptions; readonly point: Point; readonly signal: AbortSignal },
): Promise<Measurement> {
  const { prompt, size, steps, n, seed, requests } = options;
  if (process !== null) {
    const answer = await process.ask({ prompt, size, steps, n, seed }, signal);
    const { seconds = Number.NaN, runtimeSeconds } = answer;
    const overhead = runtimeSeconds === undefined ? {} : { overhead: seconds / runtimeSeconds };
    return { values: { ...perImage(seconds / n, steps), ...overhead }, work: n, errors: [] };
  }
  if (server === null) throw new Error("Neither a server nor a process.");
  const { results, errors, elapsedMs } = await runJobs(
    Array.from({ length: point.x * requests }, () => null),
    { workers: point.x, run: () => timed(() => generate(server, options, signal)), signal },
  );
  const images = sum(results.map(({ value }) => value));
  if (images === 0) return { values: {}, errors };
  return {
    values: {
      ...perImage(elapsedMs / 1000 / images, steps),
      ...percentiles(
        "latency",
        results.map((result) => result.elapsedMs),
      ),
    },
    work: images,
    errors,
  };
}

/** The number of pictures made. */
async function generate(
  server: ServerClient,
  { prompt, size, steps, n, seed }: ImagesBenchmarkOptions,
  signal: AbortSignal,
): Promise<number> {
  const body = {
    model: await server.model(signal),
    prompt,
    n,
    seed,
    ...(size === null ? {} : { size }),
    ...(steps === null ? {} : { steps }),
  };
  const { value } = await server.post<{ readonly data?: readonly unknown[] }>("/images/generations", body, signal);
  return value.data?.length ?? 0;
}

function perImage(seconds: number, steps: number | null): Record<string, number> {
  return { seconds_per_image: seconds, ...(steps === null ? {} : { seconds_per_step: seconds / steps }) };
}
