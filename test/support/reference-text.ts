// Text models that transformers wrote and what it answers on them (scripts/fixtures/README.md): the files of test/fixtures/text.
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import type { WireMessage, WireTool } from "./chat-request.ts";
import type { GoldenAnswer, GoldenSource } from "./goldens.ts";
import { attentionDifference, roundingDifference } from "./tolerances.ts";

const root = resolve(import.meta.dirname, "../fixtures/text");

export interface ReferenceTokens {
  readonly text: string;
  /** Control tokens that the text spells are text. */
  readonly plain: readonly number[];
  /** They are control tokens; absent where the reference has no such reading. */
  readonly special?: readonly number[];
}

export interface ReferenceConversation {
  readonly messages: readonly WireMessage[];
  readonly tools?: readonly WireTool[];
}

export interface ReferenceText {
  readonly source: GoldenSource & { readonly reference: string };
  /** Standard deviation of the logits over the vocabulary. */
  readonly spread: number;
  /** Positions that a sliding window has. */
  readonly window?: number;
  readonly texts: readonly ReferenceTokens[];
  /** Texts of which Qwen's tokenizer composes letters and accents first. */
  readonly decomposed?: readonly ReferenceTokens[];
  readonly greedy: readonly (Omit<GoldenAnswer, "text"> & { readonly promptTokens: readonly number[] })[];
  /** Each token of a text but the first, given those before it. */
  readonly scores: { readonly ids: readonly number[]; readonly logprobs: readonly number[] };
  /** Scores with an adapter merged into the weights. */
  readonly adapted?: readonly {
    readonly scale: number;
    readonly ids: readonly number[];
    readonly logprobs: readonly number[];
  }[];
  readonly conversations?: Readonly<Record<string, ReferenceConversation>>;
  readonly rendered?: Readonly<Record<string, { readonly prompt: string; readonly ids: readonly number[] }>>;
}

export interface ReferenceVectors {
  readonly source: GoldenSource;
  readonly embedded: readonly {
    readonly text: string;
    readonly ids: readonly number[];
    readonly vector: readonly number[];
  }[];
}

/** Absolute path of a file of a family. */
export function referencePath(family: string, file: string): string {
  return resolve(root, family, file);
}

export function readReference(family: string): ReferenceText {
  return JSON.parse(readFileSync(referencePath(family, "golden.json"), "utf8")) as ReferenceText;
}

export function readReferenceVectors(family: string): ReferenceVectors {
  return JSON.parse(readFileSync(referencePath(family, "golden.json"), "utf8")) as ReferenceVectors;
}

export function digestOf(path: string): string {
  return createHash("sha256").update(readFileSync(path)).digest("hex");
}

/**
 * Relative difference of the logits: weights of float16 are multiplied by inputs that llama.cpp rounds to float16, where transformers
 * keeps float32, and so are keys and values. `terms` = the longest sum of the model, or the number of cells if that is more.
 */
export function halfPrecisionDifference(cells: number, feedForward = 128): number {
  return Math.max(attentionDifference(cells), roundingDifference("float16", feedForward));
}
