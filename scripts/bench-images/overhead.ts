// Measures how much of a picture's time is spent outside the runtime: the wall time of a request over its time inside ONNX `run()`, at
// 512x512, with the PNG file written. The rows are 20 steps with guidance, one turbo picture of a single step, and four of these.
//
//   npx tsx scripts/bench-images/overhead.ts [--runs 5] [--folder FOLDER] [--tiny]
//
// Models have Stable Diffusion 1's shape at a fifth of its width. With `--tiny` they have a few hundred kilobytes, and what is outside the
// runtime weighs more than with any real model. On a shared machine only the ratio says something, not the time.
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";

import { createDiffusionBackend } from "../../src/backends/diffusion/backend.ts";
import type { ImageEvent, ImageRequest } from "../../src/domain/image.ts";
import type { ImageModelOptions } from "../../src/domain/model.ts";
import { pullEvents } from "../../src/util/event-queue.ts";
import { writeDiffusionFixture } from "../build-models/fixtures.ts";
import { sd1ReducedSizes } from "../build-models/fixtures/diffusion-families.ts";

const { values } = parseArgs({
  options: {
    runs: { type: "string", default: "5" },
    folder: { type: "string" },
    tiny: { type: "boolean", default: false },
  },
});

const options: ImageModelOptions = {
  kind: "image",
  steps: null,
  guidanceScale: null,
  guidanceRescale: 0,
  scheduler: null,
  negativePrompt: null,
  defaultSize: 0,
  minSize: 64,
  maxSize: 2048,
  nativeSize: 0,
  upscale: false,
  lowMemory: false,
  guidanceBatch: "auto",
  vaeTileSize: 128,
  safetyChecker: false,
  pngMetadata: true,
  threads: 0,
  executionProviders: ["cpu"],
  maxQueue: 1,
};

const request: ImageRequest = {
  prompt: "a lighthouse on a cliff above the sea, evening light",
  n: 1,
  size: { width: 512, height: 512 },
  format: "png",
  compression: 100,
  quality: "auto",
  style: null,
  seed: 1,
  partialImages: 0,
};

const cases = [
  { name: "SD 1, 20 steps, guidance", family: "sd1", fields: { steps: 20 }, limit: 1.05 },
  { name: "SD-Turbo, 1 step", family: "sd-turbo", fields: {}, limit: 1.15 },
  { name: "SD-Turbo, 4 images", family: "sd-turbo", fields: { n: 4 }, limit: 1.15 },
] as const;

const models = values.folder ?? mkdtempSync(join(tmpdir(), "bench-images-"));
if (values.folder === undefined) process.once("exit", () => rmSync(models, { recursive: true, force: true }));
console.log("| case | wall ms | inside run() ms | ratio (median, best) | limit |");
console.log("|---|---|---|---|---|");
for (const { name, family, fields, limit } of cases) {
  const folder = join(models, `${family}${values.tiny ? "-tiny" : ""}`);
  if (!existsSync(folder))
    writeDiffusionFixture(folder, { family, ...(values.tiny ? {} : { sizes: sd1ReducedSizes }) });
  const runs = await measure(folder, { ...request, ...fields });
  const sorted = [...runs].sort((a, b) => a.wallMs / a.insideMs - b.wallMs / b.insideMs);
  const median = sorted[Math.floor(sorted.length / 2)]!;
  const best = sorted[0]!;
  const ratio = ({ wallMs, insideMs }: Run): string => (wallMs / insideMs).toFixed(3);
  console.log(
    `| ${name} | ${median.wallMs.toFixed(0)} | ${median.insideMs.toFixed(0)} | ${ratio(median)}, ${ratio(best)} | ${limit} |`,
  );
}

interface Run {
  readonly wallMs: number;
  readonly insideMs: number;
}

/** Runs the request several times. The first run does not count, as the runtime allocates its memory in it. */
async function measure(folder: string, request: ImageRequest): Promise<Run[]> {
  let insideMs = 0;
  const signal = new AbortController().signal;
  const backend = await createDiffusionBackend(
    { id: "bench", kind: "image", path: folder, options, createdSeconds: 0, ttlMs: 0, pinned: false, preload: false },
    {
      cacheDirectory: tmpdir(),
      memoryBudgetBytes: Infinity,
      signal,
      log: (_level, _message, facts) => {
        if (typeof facts?.["onnxMs"] === "number") insideMs += facts["onnxMs"];
      },
    },
  );
  const runs: Run[] = [];
  for (let i = 0; i <= Number(values.runs); i++) {
    insideMs = 0;
    const start = performance.now();
    for await (const _event of pullEvents<ImageEvent>((call) => backend.run("image", request, call), {
      window: 64,
      signal,
    }));
    if (i > 0) runs.push({ wallMs: performance.now() - start, insideMs });
  }
  await backend.dispose();
  return runs;
}
