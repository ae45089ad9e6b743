// What to reserve for a model before it is loaded and can be measured.
import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import type { ModelSpec } from "../domain/model.ts";

/** What a process with a runtime library holds before it has any weights, bytes; measured at about 90 MB for each of them. */
const emptyRunnerBytes = 96 * 2 ** 20;

/** Room for activations and caches, as a share of the weights. */
const workingShare = 0.15;

/** Bytes that the model will probably hold: its weights, working memory and the process around them. */
export async function estimateModelBytes({ kind, path }: ModelSpec): Promise<number> {
  if (kind === "upstream") return 0;
  const weights = await weightBytes(path).catch(() => 0);
  return Math.round(weights * (1 + workingShare)) + emptyRunnerBytes;
}

/**
 * Bytes of a file; of a folder, the sum over its folders of the largest file in each: published folders carry several variants
 * of one graph side by side, and only one of them is loaded.
 */
async function weightBytes(path: string): Promise<number> {
  const facts = await stat(path);
  if (!facts.isDirectory()) return facts.size;
  let largestFile = 0;
  let folders = 0;
  for (const entry of await readdir(path)) {
    const child = join(path, entry);
    const childFacts = await stat(child);
    if (childFacts.isDirectory()) folders += await weightBytes(child);
    else largestFile = Math.max(largestFile, childFacts.size);
  }
  return largestFile + folders;
}
