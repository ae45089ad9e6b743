// The real weights that test/real-weights runs on, and what llama-server is asked about them. `../shared/real-models FOLDER` fetches them;
// they are third parties' and never committed, what llama-server answers on them is.

import { existsSync, readFileSync } from "node:fs";
import { homedir } from "node:os";
import { join, resolve } from "node:path";

import { readCorpus } from "../build-models/bundled/corpus.ts";
import { conversations } from "./cases.ts";

/** Where the weights are: HEARTH_REAL_MODELS, or where `../shared/real-models` puts them by itself. */
export function realModelsFolder(): string {
  const cache = process.env["XDG_CACHE_HOME"] ?? join(homedir(), ".cache");
  return process.env["HEARTH_REAL_MODELS"] ?? join(cache, "hearth-real-models");
}

export interface RealModel {
  readonly name: "smollm2" | "gemma3";
  readonly file: string;
  /** Tokens of context that it was trained for, as far as a test goes. */
  readonly context: number;
  /** Continued greedily, 24 tokens each. */
  readonly prompts: Readonly<Record<string, string>>;
  /** Whether its file has a chat template. */
  readonly chats: boolean;
}

const corpus = readCorpus();
const common = {
  question: "The capital of France is",
  story: "Once upon a time there was a little girl who",
  code: "def fibonacci(n):\n    if n < 2:\n        return n\n    return",
  "beyond ASCII": "Die Straße ist naß, das Café hat geöffnet. 你好，世界！ 🙂 Der Himmel ist",
  // Longer than Gemma's window of 512, and than a batch.
  long: corpus.slice(0, 6000),
};

export const realModels: readonly RealModel[] = [
  {
    name: "smollm2",
    file: "smollm2-135m-instruct-q4_1.gguf",
    context: 8192,
    prompts: {
      ...common,
      chat: "<|im_start|>user\nName three colours.<|im_end|>\n<|im_start|>assistant\n",
    },
    chats: true,
  },
  { name: "gemma3", file: "gemma-3-270m-q4_k_m.gguf", context: 8192, prompts: common, chats: false },
];

export const greedyTokens = 24;

/** The whole context but this many tokens is the prompt of the test that fills it. */
export const brimTokens = 8;

/** Fills a context up to {@link brimTokens} with a text over and over. `tokens` = those of {@link brimText}, without BOS. */
export function brimPrompt(tokens: readonly number[], { context }: RealModel): number[] {
  return Array.from({ length: context - brimTokens }, (_, index) => tokens[index % tokens.length] as number);
}

export const brimText = corpus;

/** The conversations that are rendered with a model's own template. */
export const realConversations = Object.fromEntries(
  ["question", "turns", "beyond ASCII", "two of the user"].map((name) => [name, conversations[name]!]),
);

export function realModelPath({ file }: Pick<RealModel, "file">): string {
  return resolve(realModelsFolder(), file);
}

export function hasRealModel(model: Pick<RealModel, "file">): boolean {
  return existsSync(realModelPath(model));
}

/** Where the answers that were recorded stand. */
export function recordedPath({ name }: RealModel): string {
  return resolve(import.meta.dirname, `../../test/real-weights/golden/${name}.json`);
}

export function readRecorded(model: RealModel): unknown {
  return JSON.parse(readFileSync(recordedPath(model), "utf8"));
}
