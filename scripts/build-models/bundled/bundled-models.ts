// Writes the ONNX models that ship with the server, and compares them with the committed ones. tiny-chat is kept as an earlier version of
// these scripts wrote it.

import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { listFiles, type Manifest, writeManifest } from "./manifest.ts";
import { tinyEmbedSeed, writeTinyEmbed } from "./tiny-embed.ts";
import { tinyImageSeed, writeTinyImage } from "./tiny-image.ts";

export interface BundledModel {
  readonly name: string;
  readonly kind: Manifest["kind"];
  readonly description: string;
  readonly seed: number;
  readonly write: (folder: string) => void;
}

export const bundledModels: readonly BundledModel[] = [
  {
    name: "tiny-embed",
    kind: "embedding",
    description: "BERT of 0.9 million parameters with random weights: texts that share words come out near each other.",
    seed: tinyEmbedSeed,
    write: writeTinyEmbed,
  },
  {
    name: "tiny-image",
    kind: "image",
    description: "Stable Diffusion 1 layout with 1.8 million parameters and random weights: it draws patterns.",
    seed: tinyImageSeed,
    write: writeTinyImage,
  },
];

/** Writes every bundled model, with its manifest, into its own new folder below `root`. */
export function writeBundledModels(root: string): void {
  for (const model of bundledModels) {
    const folder = join(root, model.name);
    rmSync(folder, { recursive: true, force: true });
    model.write(folder);
    writeManifest(folder, { name: model.name, kind: model.kind, description: model.description, seed: model.seed });
  }
}

/** Paths below `root` that are changed, missing or additional, compared with what `writeBundledModels` writes. */
export function differingFiles(root: string): string[] {
  const fresh = mkdtempSync(join(tmpdir(), "hearth-models-"));
  try {
    writeBundledModels(fresh);
    const paths = new Set(bundledModels.flatMap(({ name }) => [...filesOf(fresh, name), ...filesOf(root, name)]));
    return [...paths].filter((path) => !sameContent(join(fresh, path), join(root, path)));
  } finally {
    rmSync(fresh, { recursive: true, force: true });
  }
}

function filesOf(root: string, name: string): string[] {
  const folder = join(root, name);
  return existsSync(folder) ? listFiles(folder).map((path) => `${name}/${path}`) : [];
}

function sameContent(left: string, right: string): boolean {
  return existsSync(left) && existsSync(right) && readFileSync(left).equals(readFileSync(right));
}
