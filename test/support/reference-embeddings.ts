// Embedding and reranking models that the references wrote, and what those answer on them (scripts/fixtures/README.md): the folders of
// test/fixtures/embeddings.
import { cpSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { temporaryFolder } from "./temporary-folder.ts";

const root = resolve(import.meta.dirname, "../fixtures/embeddings");

export const encoderFamilies = [
  "bert",
  "labse",
  "stack",
  "mpnet",
  "xlm-roberta",
  "modernbert",
  "t5",
  "qwen3",
  "embedding-gemma",
] as const;

export const crossEncoderFamilies = ["cross-encoder", "cross-encoder-two-labels", "cross-encoder-xlm-roberta"] as const;

export type FixtureFamily = (typeof encoderFamilies)[number] | (typeof crossEncoderFamilies)[number] | "qwen3-cache";

export interface GoldenText {
  readonly name: string;
  readonly text: string;
  /** Special tokens included, cut to the model's longest. */
  readonly ids: readonly number[];
  readonly vector: readonly number[];
}

export interface GoldenEncoder {
  readonly maxTokens: number;
  readonly dimensions: number;
  readonly texts: readonly GoldenText[];
  readonly long: GoldenText;
  /** Special tokens that these spell are text. */
  readonly spelled: readonly GoldenText[];
  readonly prompts: readonly {
    readonly promptName: string;
    readonly prompt: string;
    readonly text: string;
    readonly vector: readonly number[];
  }[];
  readonly defaultPromptName: string | null;
}

export interface GoldenPair {
  readonly query: string;
  readonly document: string;
  readonly ids: readonly number[];
  readonly logits: readonly number[];
  readonly score: number;
}

export interface GoldenCrossEncoder {
  readonly maxTokens: number;
  readonly pairs: readonly GoldenPair[];
}

export function fixtureFolder(family: FixtureFamily): string {
  return join(root, family);
}

/** A copy of the folder, to be changed. */
export function copyFixture(family: FixtureFamily): string {
  const folder = temporaryFolder(family);
  cpSync(fixtureFolder(family), folder, { recursive: true });
  return folder;
}

export function readFixture(...path: readonly string[]): unknown {
  return JSON.parse(readFileSync(join(root, ...path), "utf8"));
}

export function goldenEncoder(family: (typeof encoderFamilies)[number]): GoldenEncoder {
  return readFixture(family, "golden.json") as GoldenEncoder;
}
