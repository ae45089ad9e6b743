// Writes the golden values in test/golden/own: llama-server's answers on the story model and on templates of ours. With --check it
// writes nothing and prints the differences.
//   LLAMA_SERVER_BIN=.../llama-server npx tsx scripts/goldens/llama-server.ts [--check]
// README.md beside this file says how to build llama-server of the llama.cpp commit in use.

import { readFileSync, writeFileSync } from "node:fs";
import { basename, join, resolve } from "node:path";
import { parseArgs } from "node:util";

import { sourceOf } from "./golden-source.ts";
import { goldenText } from "./golden-text.ts";
import { differences } from "./compare.ts";
import { answersOfStory, renderings, tokenisations } from "./questions.ts";

const root = resolve(import.meta.dirname, "../..");
const goldens = join(root, "test/golden/own");

/** Log-probabilities of two builds of llama.cpp differ by less than this on these models; ids and texts must be the same. */
const tolerance = 0.01;

const { values } = parseArgs({ options: { check: { type: "boolean", default: false } } });
const story = join(root, "test/fixtures/text/llama/llama-f32.gguf");
await golden("story", { model: story, values: await answersOfStory(story) });
await golden("story-tokens", { model: story, values: await tokenisations(story) });
await golden("renderings", { model: story, values: await renderings(story, join(goldens, "templates")) });

interface Golden {
  readonly model: string;
  readonly values: object;
}

async function golden(name: string, { model, values: answers }: Golden): Promise<void> {
  const made = { source: sourceOf(model, "scripts/goldens/llama-server.ts"), ...answers };
  const path = join(goldens, `${name}.json`);
  if (!values.check) {
    writeFileSync(path, goldenText(made));
    console.log(`${basename(path)} is written.`);
    return;
  }
  const committed: unknown = JSON.parse(readFileSync(path, "utf8"));
  const found = differences({ committed, made: JSON.parse(JSON.stringify(made)) as unknown }, tolerance);
  for (const line of found) console.error(`${basename(path)}${line}`);
  console.log(found.length === 0 ? `${basename(path)} is what llama-server answers.` : `${basename(path)} differs.`);
  if (found.length > 0) process.exitCode = 1;
}
