// Measures how long a short text takes while a request of 1,024 texts runs, in units of a full micro-batch. The goal is a 95th percentile
// of at most 3: the micro-batch that runs, perhaps one more of the large request, and its own.
//
//   npx tsx scripts/bench-embeddings/short-text-latency.ts [--precision fp32|int8] [--threads 2] [--texts 1024]
//                                                          [--batch-tokens 256] [--padding 0.05]
import { availableParallelism } from "node:os";
import { parseArgs } from "node:util";
import { benchModelFolder, embedOnce, median, mixedTexts, openBenchBackend, quantile } from "./bench-model.ts";

const { values } = parseArgs({
  options: {
    precision: { type: "string", default: "int8" },
    threads: { type: "string", default: String(availableParallelism()) },
    texts: { type: "string", default: "1024" },
    "batch-tokens": { type: "string", default: "256" },
    padding: { type: "string", default: "0.05" },
  },
});
const maxBatchTokens = Number(values["batch-tokens"]);
const backend = await openBenchBackend(benchModelFolder(), {
  precision: values.precision === "fp32" ? "fp32" : "int8",
  threads: Number(values.threads),
  maxBatchTokens,
  maxPaddingShare: Number(values.padding),
});
const texts = mixedTexts({ count: Number(values.texts), seed: 2, medianWords: 37, maxWords: 281 });
const short = "a short question";
await embedOnce(backend, [short]);

let isRunning = true;
const large = embedOnce(backend, texts).finally(() => {
  isRunning = false;
});
const latencies: number[] = [];
const fullBatches: number[] = [];
const fullBatch = Array.from({ length: Math.floor(maxBatchTokens / 64) }, () => "word ".repeat(62));
for (let i = 0; ; i++) {
  const start = performance.now();
  const { inferenceMs } = await embedOnce(backend, i % 8 === 7 ? fullBatch : [short]);
  if (!isRunning) break;
  // Every eighth request is one full micro-batch, which measures the unit under the same load.
  if (i % 8 === 7) fullBatches.push(inferenceMs);
  else latencies.push(performance.now() - start);
  // Without a pause the short texts would be a load of their own.
  await new Promise((resolve) => setTimeout(resolve, 20));
}
await large;
await backend.dispose();
const unitMs = median(fullBatches);
const p95 = quantile(latencies, 0.95);
console.log(`${values.precision}, ${texts.length} texts running, ${latencies.length} short texts`);
console.log(`a full micro-batch: median ${unitMs.toFixed(0)} ms, p95 ${quantile(fullBatches, 0.95).toFixed(0)} ms`);
console.log(
  `short text: median ${median(latencies).toFixed(0)} ms, p95 ${p95.toFixed(0)} ms, largest ${quantile(latencies, 1).toFixed(0)} ms`,
);
console.log(`p95 in micro-batches: ${(p95 / unitMs).toFixed(2)} (at most 3)`);
