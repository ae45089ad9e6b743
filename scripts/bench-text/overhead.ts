// Measures the cost of Hearth's own code per generated token, with one stream: the same tokens are decoded by a process that does nothing
// else, and streamed by a whole server over HTTP. The difference is engine, runner, the messages between the processes, mapping,
// server-sent events, and Node's HTTP.
//
//   npx tsx scripts/bench-text/overhead.ts MODEL.gguf [--tokens 400] [--rounds 5] [--threads 1] [--built]
//
// Both are timed from the first token to the last, without the load, the prompt and the request itself. Every round measures both, so that
// a busy machine slows both; the differences within a round count. It needs an idle machine all the same.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { Command, InvalidArgumentError } from "commander";
import { max, median, min } from "simple-statistics";

import { startBareProcess, startServerProcess } from "./measured-processes.ts";
import { difference, streamRound, type Sample } from "./streamed-round.ts";

interface Options {
  readonly tokens: number;
  readonly rounds: number;
  readonly threads: number;
  readonly built: boolean;
}

const program = new Command("overhead")
  .argument("<model>", "a GGUF file")
  .option("--tokens <count>", "generated per round", toCount(2), 400)
  .option("--rounds <count>", "measured, after one that warms up", toCount(1), 5)
  .option("--threads <count>", "of the decode", toCount(1), 1)
  .option("--built", "measure dist/main.js rather than the sources", false)
  .parse();
const { tokens, rounds, threads, built } = program.opts<Options>();
const goalMs = 0.4;

const folder = mkdtempSync(join(tmpdir(), "bench-text-"));
const file = join(folder, "config.yaml");
// JSON, which is YAML too.
const configuration = {
  server: { port: 0 },
  logging: { level: "error" },
  runners: { cache_directory: join(folder, "cache") },
  models: { bench: { path: resolve(program.args[0] ?? ""), threads } },
};
writeFileSync(file, JSON.stringify(configuration));
const releases: (() => Promise<void>)[] = [];
try {
  const bare = await startBareProcess(file, tokens);
  releases.push(() => bare.stop());
  const server = await startServerProcess(file, { built });
  releases.push(() => server.stop());
  const samples: { readonly bare: Sample; readonly streamed: Sample }[] = [];
  for (let round = 0; round <= rounds; round++) {
    const pair = {
      bare: { serverMs: null, ...(await bare.round()) },
      streamed: await streamRound(server, { ...bare.model, tokens }),
    };
    // Round 0 warms up: the server loads its model in it, and both compile their JavaScript.
    if (round > 0) samples.push(pair);
  }
  report(samples);
} finally {
  for (const release of releases) await release();
  rmSync(folder, { recursive: true, force: true });
}

function report(samples: readonly { readonly bare: Sample; readonly streamed: Sample }[]): void {
  const rows: (readonly [string, Sample[]])[] = [
    ["bare decode", samples.map(({ bare }) => bare)],
    ["HTTP and SSE", samples.map(({ streamed }) => streamed)],
    ["difference", samples.map(({ bare, streamed }) => difference(streamed, bare))],
  ];
  const hasProcessorTime = samples.every(
    ({ streamed }) => streamed.serverMs !== null && streamed.mainThreadMs !== null,
  );
  const columns: (readonly [string, keyof Sample])[] = [
    ["ms per token", "wallMs"],
    ...(hasProcessorTime
      ? ([
          ["processor: server", "serverMs"],
          ["processor: model's process, main thread", "mainThreadMs"],
        ] as const)
      : []),
  ];
  console.log(
    `${tokens} tokens, ${rounds} rounds, threads ${threads}, ${built ? "dist" : "src"}: median (min to max)\n`,
  );
  console.log(`| | ${columns.map(([title]) => title).join(" | ")} |\n|---|${columns.map(() => "---:|").join("")}`);
  for (const [name, values] of rows) {
    const cells = columns.map(([, key]) => formatCell(values.map((value) => value[key])));
    console.log(`| ${name} | ${cells.join(" | ")} |`);
  }
  console.log(`\nGoal: a difference under ${goalMs} ms per token.`);
}

function formatCell(milliseconds: readonly (number | null)[]): string {
  // The clock starts with the first token, which does not count.
  const perToken = milliseconds.flatMap((value) => (value === null ? [] : [value / (tokens - 1)]));
  if (perToken.length === 0) return "–";
  return `${median(perToken).toFixed(3)} (${min(perToken).toFixed(3)} to ${max(perToken).toFixed(3)})`;
}

function toCount(least: number): (written: string) => number {
  return (written) => {
    const value = Number(written);
    if (/^\d+$/.test(written) && Number.isSafeInteger(value) && value >= least) return value;
    throw new InvalidArgumentError(`It must be a whole number of at least ${least}.`);
  };
}
