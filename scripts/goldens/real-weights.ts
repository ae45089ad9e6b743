// Records what llama-server answers on real weights in test/real-weights/golden, for machines that have the weights and no llama-server.
//   HEARTH_REAL_MODELS=... LLAMA_SERVER_BIN=.../llama-server npx tsx scripts/goldens/real-weights.ts [--short]
// --short leaves out the full context, which takes minutes.
// README.md beside this file says how to build llama-server of the llama.cpp commit in use.

import { writeFileSync } from "node:fs";

import { goldenText } from "./golden-text.ts";
import { sourceOf } from "./golden-source.ts";
import { askReference } from "./real-answers.ts";
import { realModelPath, realModels, recordedPath } from "./real-models.ts";

for (const model of realModels) {
  const started = performance.now();
  const answers = await askReference(model, { full: !process.argv.includes("--short") });
  const source = sourceOf(realModelPath(model), "scripts/goldens/real-weights.ts");
  writeFileSync(recordedPath(model), goldenText({ source, ...answers }));
  console.log(`${model.name} is recorded (${((performance.now() - started) / 1000).toFixed(0)} s).`);
}
