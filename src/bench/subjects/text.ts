// `hearth bench text`: measures streams of generated text, one alone and several at once.
import { median } from "simple-statistics";
import { serverOf, type Benchmark, type Figure, type Measurement, type Point, type Subject } from "../benchmark.ts";
import { runJobs } from "../closed-loop.ts";
import type { ServerClient } from "../peers/server-client.ts";
import { percentiles } from "../statistics.ts";
import {
  countPromptTokens,
  streamCompletion,
  type ChatTurn,
  type StreamedCompletion,
  type TextEndpoint,
} from "../peers/stream-completion.ts";
import { mixSeed, randomWords } from "../words.ts";

/** Share of a chat's first message that is the same in all chats. */
const sharedShares = { unique: 0, shared: 0.9, same: 1 } as const;

export type PromptPrefix = keyof typeof sharedShares;

export interface TextBenchmarkOptions {
  /** Numbers of streams at once, one point each. */
  readonly streams: readonly number[];
  readonly endpoint: TextEndpoint;
  /** Tokens of each user message, about. */
  readonly promptTokens: number;
  readonly outputTokens: number;
  /** How much of the first message is the same for all streams and rounds. */
  readonly prefix: PromptPrefix;
  /** Turns of a chat: a user message and its answer. Each request sends the whole history. */
  readonly turns: number;
  /** Chats per stream and round, one after another. */
  readonly requests: number;
  /** Seed of the prompts' words. Another seed sends prompts that no server has cached. */
  readonly seed: number;
}

const figures: readonly Figure[] = [
  { key: "tokens_per_second", title: "tokens in all", unit: "tok/s", better: "higher" },
  { key: "stream_tokens_per_second", title: "tokens per stream", unit: "tok/s", better: "higher" },
  { key: "first_token_p50", title: "time to first token, p50", unit: "ms", better: "lower" },
  { key: "first_token_p95", title: "time to first token, p95", unit: "ms", better: "lower" },
  { key: "first_token_p99", title: "time to first token, p99", unit: "ms", better: "lower" },
  { key: "gap_p50", title: "inter-token latency, p50", unit: "ms", better: "lower" },
  { key: "gap_p95", title: "inter-token latency, p95", unit: "ms", better: "lower" },
  { key: "gap_p99", title: "inter-token latency, p99", unit: "ms", better: "lower" },
  { key: "later_first_token_p50", title: "time to first token, later turns, p50", unit: "ms", better: "lower" },
  { key: "prompt_tokens", title: "prompt tokens per request", unit: "tok", better: "neither" },
  { key: "cached_tokens", title: "of these, from the cache", unit: "tok", better: "neither" },
  { key: "output_tokens", title: "output tokens per request", unit: "tok", better: "neither" },
  { key: "tokens_per_arrival", title: "tokens per arrival", unit: "tok", better: "neither" },
];

export function createTextBenchmark(options: TextBenchmarkOptions): Benchmark {
  let promptWords = options.promptTokens;
  return {
    name: "text",
    title: "Text",
    parameters: {
      endpoint: options.endpoint,
      prompt_tokens: options.promptTokens,
      output_tokens: options.outputTokens,
      prefix: options.prefix,
      turns: options.turns,
      requests_per_stream: options.requests,
      seed: options.seed,
    },
    points: options.streams.map((x) => ({ label: x === 1 ? "1 stream" : `${x} streams`, series: "", x })),
    axis: "concurrent streams",
    figures: options.turns > 1 ? figures : figures.filter(({ key }) => key !== "later_first_token_p50"),
    unitOfWork: "token",
    charts: [
      { title: "Time to first token", unit: "ms", figures: ["first_token_p50", "first_token_p95"] },
      { title: "Inter-token latency", unit: "ms", figures: ["gap_p50", "gap_p95"] },
      { title: "Tokens in all", unit: "tok/s", figures: ["tokens_per_second"] },
    ],
    startsServers: false,
    async prepare([first], signal) {
      if (first !== undefined) promptWords = await findWordCount(serverOf(first), options, signal);
    },
    measure: (subject, { point, round, signal }) =>
      measureStreams(subject, { options, promptWords, point, round, signal }),
  };
}

/** The number of words that make a prompt of `promptTokens`, by a line through two measured lengths. */
async function findWordCount(
  client: ServerClient,
  { endpoint, promptTokens, seed }: TextBenchmarkOptions,
  signal: AbortSignal,
): Promise<number> {
  const count = (words: number): Promise<number> => {
    const turns: ChatTurn[] = [{ role: "user", content: randomWords(words, mixSeed(seed, words)) }];
    return countPromptTokens(client, { endpoint, turns, maxTokens: 1 }, signal);
  };
  const fewer = Math.max(4, Math.floor(promptTokens / 8));
  const more = Math.max(8, Math.floor(promptTokens / 4));
  const [fewerTokens, moreTokens] = [await count(fewer), await count(more)];
  const tokensPerWord = Math.max(0.25, (moreTokens - fewerTokens) / (more - fewer));
  return Math.max(1, Math.round(more + (promptTokens - moreTokens) / tokensPerWord));
}

interface StreamsOptions {
  readonly options: TextBenchmarkOptions;
  readonly promptWords: number;
  readonly point: Point;
  readonly round: number;
  readonly signal: AbortSignal;
}

async function measureStreams(subject: Subject, context: StreamsOptions): Promise<Measurement> {
  const { options, point, signal } = context;
  const client = serverOf(subject);
  const chats = Array.from({ length: point.x * options.requests }, (_, index) => index);
  const { results, errors, elapsedMs } = await runJobs(chats, {
    workers: point.x,
    run: (chat) => holdChat(client, { ...context, chat }),
    signal,
  });
  const work = sum(results.flat().map(({ outputTokens }) => outputTokens));
  return { values: toValues(results, elapsedMs), work, errors };
}

/** All turns of one chat; the server's own answers become its history. */
async function holdChat(
  client: ServerClient,
  { options, promptWords, point, round, signal, chat }: StreamsOptions & { readonly chat: number },
): Promise<StreamedCompletion[]> {
  const turns: ChatTurn[] = [];
  const answers: StreamedCompletion[] = [];
  for (let turn = 0; turn < options.turns; turn++) {
    const unique = mixSeed(options.seed, point.x, round, chat, turn);
    const sharedWords = turn === 0 ? Math.floor(promptWords * sharedShares[options.prefix]) : 0;
    const parts = [randomWords(sharedWords, options.seed), randomWords(promptWords - sharedWords, unique)];
    turns.push({ role: "user", content: parts.filter((part) => part !== "").join(" ") });
    const request = { endpoint: options.endpoint, turns, maxTokens: options.outputTokens };
    const answer = await streamCompletion(client, request, signal);
    answers.push(answer);
    turns.push({ role: "assistant", content: answer.text });
  }
  return answers;
}

function toValues(chats: readonly (readonly StreamedCompletion[])[], elapsedMs: number): Record<string, number> {
  const answers = chats.flat();
  if (answers.length === 0) return {};
  const outputTokens = sum(answers.map((answer) => answer.outputTokens));
  const rates = answers
    .filter(({ generationMs, outputTokens: tokens }) => generationMs > 0 && tokens > 1)
    .map(({ generationMs, outputTokens: tokens }) => ((tokens - 1) * 1000) / generationMs);
  const later = chats.flatMap((chat) => chat.slice(1)).map(({ firstTextMs }) => firstTextMs);
  const arrivals = sum(answers.map(({ gapsMs }) => gapsMs.length + 1));
  return {
    tokens_per_second: (outputTokens * 1000) / elapsedMs,
    ...(rates.length === 0 ? {} : { stream_tokens_per_second: median(rates) }),
    ...percentiles(
      "first_token",
      chats.flatMap((chat) => chat.slice(0, 1)).map(({ firstTextMs }) => firstTextMs),
    ),
    ...percentiles(
      "gap",
      answers.flatMap(({ gapsMs }) => gapsMs),
    ),
    ...(later.length === 0 ? {} : { later_first_token_p50: median(later) }),
    prompt_tokens: sum(answers.map((answer) => answer.promptTokens)) / answers.length,
    cached_tokens: sum(answers.map((answer) => answer.cachedTokens)) / answers.length,
    output_tokens: outputTokens / answers.length,
    tokens_per_arrival: outputTokens / arrivals,
  };
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
