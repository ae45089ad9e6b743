// Measures texts per second of the embeddings backend, of bare onnxruntime-node calls in several schedules, and of the pipeline of
// transformers.js, on the same texts and in this process. All run in every round, so that a busy machine slows all alike; processor time
// is measured too, because other processes hardly affect it.
//
//   npx tsx scripts/bench-embeddings/throughput.ts [--precision fp32|int8] [--texts 64] [--threads 2] [--rounds 5]
//                                                  [--max-words 281] [--naive] [--sweep] [--batch-tokens N] [--padding P]
//                                                  [--spinning]
import { parseArgs } from "node:util";
import { availableParallelism } from "node:os";
import { openBareRuntime, openNaivePipeline, schedules } from "./bare-runtime.ts";
import {
  benchModelFolder,
  embedOnce,
  median,
  mixedTexts,
  openBenchBackend,
  type BenchPrecision,
} from "./bench-model.ts";

const { values } = parseArgs({
  options: {
    precision: { type: "string", default: "fp32" },
    texts: { type: "string", default: "64" },
    threads: { type: "string", default: String(availableParallelism()) },
    rounds: { type: "string", default: "5" },
    "max-words": { type: "string", default: "281" },
    naive: { type: "boolean", default: false },
    sweep: { type: "boolean", default: false },
    spinning: { type: "boolean", default: false },
    "batch-tokens": { type: "string", default: "512" },
    padding: { type: "string", default: "0.1" },
  },
});
const precision: BenchPrecision = values.precision === "int8" ? "int8" : "fp32";
const threads = Number(values.threads);
const folder = benchModelFolder();
const texts = mixedTexts({
  count: Number(values.texts),
  seed: 1,
  medianWords: 37,
  maxWords: Number(values["max-words"]),
});

interface Contender {
  readonly name: string;
  readonly run: () => Promise<unknown>;
  readonly wallMs: number[];
  readonly cpuMs: number[];
}

const contenders: Contender[] = [];
const add = (name: string, run: () => Promise<unknown>): void => {
  contenders.push({ name, run, wallMs: [], cpuMs: [] });
};

const backend = await openBenchBackend(folder, {
  precision,
  threads,
  maxBatchTokens: Number(values["batch-tokens"]),
  maxPaddingShare: Number(values.padding),
});
add("engine, one request", () => embedOnce(backend, texts));
add("engine, 16 clients of 4", () => fromClients({ clients: 16, perRequest: 4 }));

const bare = await openBareRuntime(folder, { precision, threads, spinning: values.spinning });
const tried = values.sweep
  ? schedules
  : schedules.filter(
      ({ maxBatchTokens: tokens, maxPaddingShare: share }) =>
        tokens === 0 || (share === 0.1 && tokens >= 256 && tokens <= 1024),
    );
for (const schedule of tried) add(`bare: ${schedule.name}`, () => bare.embed(texts, schedule));

if (values.naive) {
  const naive = await openNaivePipeline(folder, { precision, threads });
  add("naive pipeline(texts)", () => naive(texts));
}

for (let round = 0; round <= Number(values.rounds); round++) {
  for (const contender of contenders) {
    const cpu = process.cpuUsage();
    const start = performance.now();
    await contender.run();
    // Round 0 warms up: caches, the runtime's arena, and compiled JavaScript.
    if (round === 0) continue;
    contender.wallMs.push(performance.now() - start);
    const { user, system } = process.cpuUsage(cpu);
    contender.cpuMs.push((user + system) / 1000);
  }
}
await backend.dispose();
report();

/** Closed loop: every client sends its next request when its last is answered, until all texts are done. */
async function fromClients({ clients, perRequest }: { clients: number; perRequest: number }): Promise<void> {
  const requests: string[][] = [];
  for (let i = 0; i < texts.length; i += perRequest) requests.push(texts.slice(i, i + perRequest));
  await Promise.all(
    Array.from({ length: clients }, async () => {
      for (let request = requests.shift(); request !== undefined; request = requests.shift()) {
        await embedOnce(backend, request);
      }
    }),
  );
}

function report(): void {
  console.log(`${precision}, ${texts.length} texts, ${threads} threads, ${values.rounds} rounds, medians`);
  const [engine] = contenders;
  if (engine === undefined) return;
  console.log("| contender | texts/s | texts per CPU second | engine's share: wall | CPU |\n|---|---|---|---|---|");
  for (const { name, wallMs, cpuMs } of contenders) {
    // Ratios are taken within a round, in which the machine was equally busy for both.
    const wallRatio = median(wallMs.map((ms, i) => ms / (engine.wallMs[i] ?? Number.NaN)));
    const cpuRatio = median(cpuMs.map((ms, i) => ms / (engine.cpuMs[i] ?? Number.NaN)));
    const perSecond = (ms: readonly number[]): string => ((texts.length * 1000) / median(ms)).toFixed(1);
    console.log(
      `| ${name} | ${perSecond(wallMs)} | ${perSecond(cpuMs)} | ${wallRatio.toFixed(2)} | ${cpuRatio.toFixed(2)} |`,
    );
  }
}
