// Writes a model of a published size with random weights, for benchmarks. Weights are streamed to disk; nothing is committed.
//   npx tsx scripts/build-models/bench.ts NAME FOLDER [--tokenizer FOLDER]

import { join, resolve } from "node:path";
import { parseArgs } from "node:util";

import { benchmarkModels } from "./fixtures/benchmark-models.ts";

const { values, positionals } = parseArgs({ allowPositionals: true, options: { tokenizer: { type: "string" } } });
const [name = "", folder] = positionals;
const write = benchmarkModels.get(name);

if (write === undefined || folder === undefined) {
  console.error("usage: bench.ts NAME FOLDER [--tokenizer FOLDER]");
  console.error(`NAME is one of ${[...benchmarkModels.keys()].join(", ")}`);
  process.exitCode = 1;
} else {
  const started = performance.now();
  const path = write(
    resolve(folder),
    values.tokenizer === undefined ? {} : { tokenizerFrom: resolve(values.tokenizer) },
  );
  console.log(`${join(path)} written in ${((performance.now() - started) / 1000).toFixed(1)} s`);
}
