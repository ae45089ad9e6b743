// `hearth bench`: reads the flags of a benchmark, runs it, and prints, writes and draws the results.
import { setMaxListeners } from "node:events";
import { writeFile } from "node:fs/promises";
import { resolve } from "node:path";
import { createHttpBenchmark } from "../../bench/subjects/bare-http.ts";
import type { Benchmark, Point } from "../../bench/benchmark.ts";
import { createEmbeddingsBenchmark } from "../../bench/subjects/embeddings.ts";
import { createImagesBenchmark } from "../../bench/subjects/images.ts";
import { formatMarkdown } from "../../bench/report/markdown.ts";
import { renderPlot } from "../../bench/report/plot.ts";
import { runBenchmark } from "../../bench/run-benchmark.ts";
import { createStartupBenchmark } from "../../bench/subjects/startup.ts";
import { createTextBenchmark } from "../../bench/subjects/text.ts";
import type { FlagValues } from "../../config/layers.ts";
import { readSubjects } from "./bench-subjects.ts";
import type { CommandContext } from "../command.ts";
import { exitCodes } from "../failures.ts";
import {
  choiceFlag,
  choicesFlag,
  integerFlag,
  integersFlag,
  isSet,
  positiveFlag,
  textFlag,
} from "../arguments/flag-values.ts";
import { listenForStop } from "../process/stop-signals.ts";
import type { Terminal } from "../terminal.ts";
import { UsageError } from "../arguments/usage-error.ts";

export function runTextBench(context: CommandContext): Promise<number> {
  const { flags } = context;
  const benchmark = createTextBenchmark({
    streams: integersFlag(flags, "streams", [1, 2, 4, 8, 16]),
    endpoint: choiceFlag(flags, "endpoint", { choices: ["chat", "completions"], fallback: "chat" }),
    promptTokens: integerFlag(flags, "prompt-tokens", { fallback: 128, least: 1 }),
    outputTokens: integerFlag(flags, "output-tokens", { fallback: 64, least: 1 }),
    prefix: choiceFlag(flags, "prefix", { choices: ["unique", "shared", "same"], fallback: "unique" }),
    turns: integerFlag(flags, "turns", { fallback: 1, least: 1 }),
    requests: integerFlag(flags, "requests", { fallback: 1, least: 1 }),
    seed: readSeed(flags),
  });
  return runAndReport("text", benchmark, context);
}

export function runEmbeddingsBench(context: CommandContext): Promise<number> {
  const { flags } = context;
  const benchmark = createEmbeddingsBenchmark({
    batches: integersFlag(flags, "batch", [1, 32]),
    concurrency: integersFlag(flags, "concurrency", [1, 16]),
    texts: integerFlag(flags, "texts", { fallback: 64, least: 1 }),
    medianWords: integerFlag(flags, "median-words", { fallback: 37, least: 1 }),
    maxWords: integerFlag(flags, "max-words", { fallback: 139, least: 3 }),
    encoding: choiceFlag(flags, "encoding", { choices: ["float", "base64"], fallback: "float" }),
    seed: readSeed(flags),
  });
  return runAndReport("embeddings", benchmark, context);
}

export function runImagesBench(context: CommandContext): Promise<number> {
  const { flags } = context;
  const benchmark = createImagesBenchmark({
    concurrency: integersFlag(flags, "concurrency", [1]),
    size: textFlag(flags, "size", null),
    steps: integerFlag(flags, "steps", { fallback: null, least: 1 }),
    n: integerFlag(flags, "images", { fallback: 1, least: 1 }),
    requests: integerFlag(flags, "requests", { fallback: 1, least: 1 }),
    prompt: textFlag(flags, "prompt", "a lighthouse on a cliff at dusk"),
    seed: readSeed(flags),
  });
  return runAndReport("images", benchmark, context);
}

export function runHttpBench(context: CommandContext): Promise<number> {
  const { flags } = context;
  const benchmark = createHttpBenchmark({
    connections: integersFlag(flags, "connections", [1, 16, 64]),
    requests: choicesFlag(flags, "requests", {
      choices: ["models", "completion", "chat"],
      fallback: ["models", "completion"],
    }),
    durationMs: positiveFlag(flags, "seconds", 2) * 1000,
    prompt: textFlag(flags, "prompt", "Once upon a time"),
  });
  return runAndReport("http", benchmark, context);
}

export function runStartupBench(context: CommandContext): Promise<number> {
  const { flags } = context;
  if (!isSet(flags, "command"))
    throw new UsageError("hearth bench startup needs --command: how the server is started.");
  if (isSet(flags, "against") && !isSet(flags, "against-command")) {
    throw new UsageError("hearth bench startup needs --against-command beside --against.");
  }
  const endpoint = choiceFlag(flags, "endpoint", {
    choices: ["completions", "chat", "none"],
    fallback: "completions",
  });
  const benchmark = createStartupBenchmark({
    endpoint: endpoint === "none" ? null : endpoint,
    prompt: textFlag(flags, "prompt", "Once upon a time"),
    settleMs: positiveFlag(flags, "settle", 1) * 1000,
  });
  return runAndReport("startup", benchmark, context);
}

/** Runs a benchmark and reports it. The exit code is 1 where requests failed, because the figures are then worth nothing. */
async function runAndReport<P extends Point>(
  name: string,
  benchmark: Benchmark<P>,
  { flags, environment, cwd, terminal }: CommandContext,
): Promise<number> {
  const subjects = readSubjects(flags, environment);
  const abort = new AbortController();
  // Every request under way listens to the signal, and there may be many.
  setMaxListeners(0, abort.signal);
  const stop = listenForStop(process, { exit: (code) => process.exit(code), now: () => performance.now() });
  void stop.requested.then((signal) => abort.abort(new Error(`Ended by ${signal}.`)));
  // The harness's own timers do not keep the process alive, and a server that runs elsewhere does not either.
  const alive = setInterval(() => undefined, 1 << 30);
  try {
    const report = await runBenchmark(benchmark, {
      subjects,
      rounds: integerFlag(flags, "rounds", { fallback: 5, least: 1 }),
      warmups: integerFlag(flags, "warmups", { fallback: 1, least: 0 }),
      commandLine: describeCommandLine(name, flags),
      onMeasure: isSet(flags, "markdown") ? () => undefined : (step) => showProgress(terminal, step),
      signal: abort.signal,
    });
    terminal.print(formatMarkdown(report));
    const json = textFlag(flags, "json", null);
    if (json !== null) await writeFile(resolve(cwd, json), `${JSON.stringify(report, null, 2)}\n`);
    const plot = textFlag(flags, "plot", null);
    if (plot !== null) await writeFile(resolve(cwd, plot), await renderPlot(report));
    return report.errors.length > 0 ? exitCodes.failed : 0;
  } catch (error) {
    if (error instanceof UsageError) throw error;
    terminal.warn(`The benchmark failed: ${error instanceof Error ? error.message : String(error)}`);
    return exitCodes.failed;
  } finally {
    clearInterval(alive);
    stop.dispose();
  }
}

function showProgress(
  terminal: Terminal,
  {
    subject,
    point,
    round,
  }: { readonly subject: { readonly label: string }; readonly point: Point; readonly round: number },
): void {
  terminal.warn(`${round < 0 ? "warm-up" : `round ${round + 1}`}: ${point.label}, ${subject.label}`);
}

function readSeed(flags: FlagValues): number {
  return integerFlag(flags, "seed", { fallback: Date.now() % 1_000_000, least: 0 });
}

/** The command line as the user wrote it, without API keys. */
function describeCommandLine(name: string, flags: FlagValues): string {
  const words = Object.entries(flags).flatMap(([flag, values = []]) => {
    if (flag === "markdown") return [`--${flag}`];
    return values.map((value) => `--${flag} ${flag.endsWith("api-key") ? "…" : quote(value)}`);
  });
  return ["hearth bench", name, ...words].join(" ");
}

/** Quotes a text for a POSIX shell, where that is needed. */
function quote(text: string): string {
  return /^[\w.,:/@%+=-]+$/.test(text) ? text : `'${text.replaceAll("'", String.raw`'\''`)}'`;
}
