// Writes the bundled models, or with --check compares the committed files with what it would write.
//   npx tsx scripts/build-models/build.ts [--check] [--models FOLDER]

import { resolve } from "node:path";
import { parseArgs } from "node:util";

import { differingFiles, writeBundledModels } from "./bundled/bundled-models.ts";

const { values } = parseArgs({ options: { check: { type: "boolean", default: false }, models: { type: "string" } } });
const root = resolve(values.models ?? resolve(import.meta.dirname, "../../models"));

if (values.check) {
  const different = differingFiles(root);
  for (const path of different) console.error(`differs from what the builder writes: ${path}`);
  console.log(
    different.length === 0 ? "The bundled models are what the builder writes." : `${different.length} files differ.`,
  );
  process.exitCode = different.length === 0 ? 0 : 1;
} else {
  writeBundledModels(root);
  console.log(`The bundled models are written to ${root}.`);
}
