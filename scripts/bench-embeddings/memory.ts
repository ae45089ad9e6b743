// Prints the resident memory of the embeddings backend over many requests of mixed sizes, some cancelled, some too large for one
// micro-batch; it must stay flat. On the bundled model ten thousand requests take a minute.
//
//   npx tsx --expose-gc scripts/bench-embeddings/memory.ts [--requests 10000]
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { createUniform, embedOnce, mixedTexts, openBenchBackend } from "./bench-model.ts";

const { values } = parseArgs({ options: { requests: { type: "string", default: "10000" } } });
const total = Number(values.requests);
const folder = join(resolve(import.meta.dirname, "../.."), "models/tiny-embed");
const backend = await openBenchBackend(folder, {
  precision: "fp32",
  threads: 1,
  maxBatchTokens: 256,
  maxPaddingShare: 0.05,
});
const texts = mixedTexts({ count: 500, seed: 3, medianWords: 12, maxWords: 120 });
const next = createUniform(4);

console.log("| requests | resident MB | JavaScript heap MB | external MB |\n|---|---|---|---|");
for (let done = 0; done <= total; done += 8) {
  if (done % Math.max(8, total / 10) === 0) report(done);
  await Promise.all(Array.from({ length: 8 }, () => oneRequest()));
}
await backend.dispose();

async function oneRequest(): Promise<void> {
  const count = next() < 0.02 ? 64 : 1 + Math.floor(next() * 4);
  const inputs = Array.from({ length: count }, () => texts[Math.floor(next() * texts.length)] as string);
  const abort = new AbortController();
  if (next() < 0.05) setImmediate(() => abort.abort(new Error("cancelled")));
  try {
    await embedOnce(backend, inputs, abort.signal);
  } catch (error) {
    if (!abort.signal.aborted) throw error;
  }
}

function report(done: number): void {
  globalThis.gc?.();
  const { rss, heapUsed, external } = process.memoryUsage();
  console.log(`| ${done} | ${megabytes(rss)} | ${megabytes(heapUsed)} | ${megabytes(external)} |`);
}

function megabytes(bytes: number): string {
  return (bytes / 1e6).toFixed(1);
}
