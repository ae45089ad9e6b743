// Writes a model's manifest: its files with their digests, and how they were made.

import { createHash } from "node:crypto";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join, relative, sep } from "node:path";

export interface ManifestFile {
  /** Relative to the folder, with forward slashes. */
  readonly path: string;
  readonly bytes: number;
  readonly sha256: string;
}

export interface Manifest {
  readonly name: string;
  readonly kind: "text" | "embedding" | "image";
  readonly description: string;
  readonly license: "MIT";
  readonly madeBy: string;
  readonly seed: number;
  /** Path in the repository of the corpus from which the vocabulary was learned. */
  readonly corpus: string;
  readonly files: readonly ManifestFile[];
}

export const manifestName = "manifest.json";

/** Writes manifest.json for every other file of a folder, in the order of their paths. */
export function writeManifest(folder: string, about: Omit<Manifest, "files" | "license" | "corpus" | "madeBy">): void {
  const manifest: Manifest = {
    ...about,
    license: "MIT",
    madeBy: "npx tsx scripts/build-models/build.ts",
    corpus: "scripts/fixtures/corpus.txt",
    files: listFiles(folder)
      .filter((path) => path !== manifestName)
      .map((path) => describe(folder, path)),
  };
  writeFileSync(join(folder, manifestName), `${JSON.stringify(manifest, null, 2)}\n`);
}

/** All files below a folder, relative to it, with forward slashes, in code-unit order. */
export function listFiles(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)).split(sep).join("/"))
    .sort((left, right) => (left < right ? -1 : 1));
}

function describe(folder: string, path: string): ManifestFile {
  const content = readFileSync(join(folder, path));
  return { path, bytes: content.byteLength, sha256: createHash("sha256").update(content).digest("hex") };
}
