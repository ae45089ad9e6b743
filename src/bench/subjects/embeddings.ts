// `hearth bench embeddings`: measures texts of mixed lengths, in large and small requests, from one or many clients.
import { sum } from "simple-statistics";
import type { Benchmark, Figure, Measurement, Point, Subject } from "../benchmark.ts";
import { runJobs, timed } from "../closed-loop.ts";
import type { ServerClient } from "../peers/server-client.ts";
import { percentiles } from "../statistics.ts";
import { mixedTexts, mixSeed } from "../words.ts";

export interface EmbeddingsBenchmarkOptions {
  /** Numbers of texts per request; each makes a point with each number of clients. */
  readonly batches: readonly number[];
  /** Numbers of clients. */
  readonly concurrency: readonly number[];
  /** Texts per point and round. */
  readonly texts: number;
  readonly medianWords: number;
  readonly maxWords: number;
  readonly encoding: "float" | "base64";
  readonly seed: number;
}

interface EmbeddingsPoint extends Point {
  readonly batch: number;
}

const figures: readonly Figure[] = [
  { key: "texts_per_second", title: "texts", unit: "texts/s", better: "higher" },
  { key: "tokens_per_second", title: "tokens", unit: "tok/s", better: "higher" },
  { key: "latency_p50", title: "latency of a request, p50", unit: "ms", better: "lower" },
  { key: "latency_p95", title: "latency of a request, p95", unit: "ms", better: "lower" },
  { key: "latency_p99", title: "latency of a request, p99", unit: "ms", better: "lower" },
  { key: "tokens_per_text", title: "tokens per text", unit: "tok", better: "neither" },
];

export function createEmbeddingsBenchmark(options: EmbeddingsBenchmarkOptions): Benchmark<EmbeddingsPoint> {
  return {
    name: "embeddings",
    title: "Embeddings",
    parameters: {
      texts: options.texts,
      median_words: options.medianWords,
      max_words: options.maxWords,
      encoding_format: options.encoding,
      seed: options.seed,
    },
    points: options.batches.flatMap((batch) =>
      options.concurrency.map((x) => ({
        label: `${x} ${x === 1 ? "client" : "clients"} with ${batch} ${batch === 1 ? "text" : "texts"} a request`,
        series: `${batch} a request`,
        x,
        batch,
      })),
    ),
    axis: "clients",
    figures,
    unitOfWork: "text",
    charts: [
      { title: "Latency of a request", unit: "ms", figures: ["latency_p50", "latency_p95"] },
      { title: "Texts", unit: "texts/s", figures: ["texts_per_second"] },
    ],
    startsServers: false,
    prepare: () => Promise.resolve(),
    measure(subject, { point, round, signal }) {
      const texts = mixedTexts({
        count: options.texts,
        seed: mixSeed(options.seed, round, point.batch, point.x),
        medianWords: options.medianWords,
        maxWords: options.maxWords,
      });
      return measureTexts(subject, { texts, point, encoding: options.encoding, signal });
    },
  };
}

async function measureTexts(
  { server, process }: Subject,
  {
    texts,
    point,
    encoding,
    signal,
  }: {
    readonly texts: readonly string[];
    readonly point: EmbeddingsPoint;
    readonly encoding: string;
    readonly signal: AbortSignal;
  },
): Promise<Measurement> {
  if (process !== null) {
    const { seconds = Number.NaN, tokens = Number.NaN } = await process.ask(
      { texts, batch: point.batch, clients: point.x },
      signal,
    );
    return { values: toValues({ texts: texts.length, tokens, seconds }), work: texts.length, errors: [] };
  }
  if (server === null) throw new Error("Neither a server nor a process.");
  const { results, errors, elapsedMs } = await runJobs(inBatches(texts, point.batch), {
    workers: point.x,
    run: (batch) => timed(() => embed(server, { batch, encoding, signal })),
    signal,
  });
  if (results.length === 0) return { values: {}, errors };
  const tokens = sum(results.map(({ value }) => value.tokens));
  const done = sum(results.map(({ value }) => value.texts));
  const latencies = percentiles(
    "latency",
    results.map((result) => result.elapsedMs),
  );
  return {
    values: { ...toValues({ texts: done, tokens, seconds: elapsedMs / 1000 }), ...latencies },
    work: done,
    errors,
  };
}

async function embed(
  server: ServerClient,
  {
    batch,
    encoding,
    signal,
  }: { readonly batch: readonly string[]; readonly encoding: string; readonly signal: AbortSignal },
): Promise<{ readonly texts: number; readonly tokens: number }> {
  const model = await server.model(signal);
  const { value } = await server.post<{
    readonly data?: readonly unknown[];
    readonly usage?: { readonly prompt_tokens?: number };
  }>("/embeddings", { model, input: batch, encoding_format: encoding }, signal);
  const texts = value.data?.length ?? 0;
  if (texts !== batch.length) throw new Error(`${batch.length} texts were sent, ${texts} vectors came back.`);
  return { texts, tokens: value.usage?.prompt_tokens ?? 0 };
}

function toValues({
  texts,
  tokens,
  seconds,
}: {
  readonly texts: number;
  readonly tokens: number;
  readonly seconds: number;
}): Record<string, number> {
  return {
    texts_per_second: texts / seconds,
    ...(Number.isFinite(tokens) ? { tokens_per_second: tokens / seconds, tokens_per_text: tokens / texts } : {}),
  };
}

function inBatches(texts: readonly string[], size: number): string[][] {
  return Array.from({ length: Math.ceil(texts.length / size) }, (_, index) =>
    texts.slice(index * size, (index + 1) * size),
  );
}
