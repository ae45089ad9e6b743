// Estimates the memory of a model from the size of its files, for the budget before it is loaded and measured.
import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import type { ModelSpec } from "../domain/model.ts";

/** Bytes of a process with a runtime library and no weights; measured at about 90 MB for each library. */
const emptyRunnerBytes = 96 * 2 ** 20;

/** Room for activations and caches, as a share of the weights. */
const workingShare = 0.15;

/** Bytes of the model's weights (0 where its files cannot be read), working memory and process; 0 for an upstream. */
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
