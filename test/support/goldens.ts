// Golden values that llama-server made on models of this repository (scripts/goldens/llama-server.ts writes and checks them).
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { expect } from "vitest";
import type { WireMessage, WireTool } from "./chat-request.ts";

export const goldenFolder = resolve(import.meta.dirname, "../golden/own");

export interface GoldenSource {
  /** File name of the model. */
  readonly model: string;
  readonly sha256: string;
}

/** A greedy continuation. */
export interface GoldenAnswer {
  readonly prompt: string;
  /** Tokens of the prompt, BOS among them. */
  readonly promptLength: number;
  readonly text: string;
  readonly stop: "limit" | "eos";
  readonly tokens: readonly {
    readonly id: number;
    readonly logprob: number;
    /** Ids with their log-probabilities, likeliest first. */
    readonly top: readonly (readonly [number, number])[];
  }[];
}

/** A greedy answer under a grammar or a schema. */
export interface ConstrainedAnswer {
  readonly name: string;
  readonly prompt: string;
  readonly grammar?: string;
  readonly json_schema?: Readonly<Record<string, unknown>>;
  readonly text: string;
}

export interface GoldenConversation {
  readonly messages: readonly WireMessage[];
  readonly tools?: readonly WireTool[];
  readonly add_generation_prompt?: boolean;
}

interface GoldenTokens {
  readonly cases: readonly {
    readonly text: string;
    readonly plain: readonly number[];
    readonly special: readonly number[];
  }[];
}

/** The files by name. */
interface Goldens {
  readonly story: {
    readonly greedy: readonly (GoldenAnswer & { readonly promptTokens: readonly number[] })[];
    readonly ended: GoldenAnswer;
    readonly held: readonly ConstrainedAnswer[];
  };
  readonly "story-tokens": GoldenTokens;
  readonly renderings: {
    readonly conversations: Readonly<Record<string, GoldenConversation>>;
    /** By template and conversation. */
    readonly rendered: Readonly<
      Record<string, Readonly<Record<string, { readonly prompt: string } | { readonly refused: true }>>>
    >;
  };
}

/** The values of a file in test/golden/own. */
export function readGolden<Name extends keyof Goldens>(name: Name): Goldens[Name] & { readonly source: GoldenSource } {
  return JSON.parse(readFileSync(resolve(goldenFolder, `${name}.json`), "utf8")) as Goldens[Name] & {
    source: GoldenSource;
  };
}

/** Fails where the model that the tests write is not the one that made the golden values, and says how to make them anew. */
export function expectModelOf({ source }: { readonly source: GoldenSource }, path: string): void {
  const digest = createHash("sha256").update(readFileSync(path)).digest("hex");
  expect(digest, `${source.model} has changed: run scripts/goldens/llama-server.ts`).toBe(source.sha256);
}
