// A llama backend for tests: the options of a model with everything at its default, and short ways to ask it.
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Backend, BackendContext } from "../../src/domain/backend.ts";
import type { ChatRequest } from "../../src/domain/chat.ts";
import type { CompletionRequest } from "../../src/domain/completion.ts";
import type { ModelSpec, TextModelOptions } from "../../src/domain/model.ts";
import { runBackend } from "./run-backend.ts";
import type { TextEvent, TextUsage, TokenLogprob } from "../../src/domain/text.ts";

export const textDefaults: TextModelOptions = {
  kind: "text",
  contextSize: 0,
  parallel: 4,
  batchSize: 512,
  threads: 1,
  gpuLayers: 0,
  flashAttention: "auto",
  mmap: "auto",
  kvCacheType: "f16",
  lora: [],
  draftModel: null,
  promptLookup: 0,
  chatTemplate: null,
  chatTemplateKwargs: {},
  family: "auto",
  prefixStoreBytes: 0,
  maxQueue: 32,
  defaults: { temperature: 1, topP: 1, topK: 0, minP: 0, repeatPenalty: 1, maxTokens: 0 },
  embedding: false,
  embeddingOptions: {
    queryPrefix: "",
    passagePrefix: "",
    defaultInputType: "none",
    normalize: true,
    truncation: "error",
    dimensions: 0,
    maxTokens: 0,
  },
};

export function textSpec(path: string, options: Partial<TextModelOptions> = {}): ModelSpec {
  return {
    id: "test/model",
    kind: "text",
    path,
    options: { ...textDefaults, ...options },
    createdSeconds: 0,
    ttlMs: 0,
    pinned: false,
    preload: false,
  };
}

export function testContext(log: BackendContext["log"] = () => {}): BackendContext {
  return { log, cacheDirectory: mkdtempSync(join(tmpdir(), "hearth-test-")), signal: new AbortController().signal };
}

export function completionRequest(request: Partial<CompletionRequest> = {}): CompletionRequest {
  return {
    prompts: ["Once upon a time"],
    echo: false,
    n: 1,
    bestOf: 1,
    topLogprobs: null,
    constraint: { type: "text" },
    sampling: { temperature: 0 },
    limits: { maxTokens: 32, stop: [] },
    ...request,
  };
}

export function chatRequest(request: Partial<ChatRequest> = {}): ChatRequest {
  return {
    messages: [{ role: "user", content: [{ type: "text", text: "Hello" }] }],
    tools: [],
    toolChoice: { type: "auto" },
    parallelToolCalls: true,
    constraint: { type: "text" },
    sampling: { temperature: 0 },
    limits: { maxTokens: 32, stop: [] },
    n: 1,
    topLogprobs: null,
    templateKwargs: {},
    addGenerationPrompt: true,
    ...request,
  };
}

export interface CollectedChoice {
  text: string;
  reasoning: string;
  logprobs: TokenLogprob[];
  calls: { id: string; name: string; arguments: string }[];
  finish: string | undefined;
}

export interface CollectedText {
  readonly events: readonly TextEvent[];
  readonly choices: readonly CollectedChoice[];
  readonly usage: TextUsage;
}

export async function collect(events: AsyncIterable<TextEvent>): Promise<CollectedText> {
  const all: TextEvent[] = [];
  for await (const event of events) all.push(event);
  const choices: CollectedChoice[] = [];
  let usage: TextUsage | undefined;
  for (const event of all) {
    if (event.type === "finish") usage = event.usage;
    if (!("choice" in event)) continue;
    const choice = (choices[event.choice] ??= { text: "", reasoning: "", logprobs: [], calls: [], finish: undefined });
    if (event.type === "text-delta") {
      choice.text += event.text;
      choice.logprobs.push(...(event.logprobs ?? []));
    } else if (event.type === "reasoning-delta") choice.reasoning += event.text;
    else if (event.type === "part-start" && event.part.type === "tool-call")
      choice.calls[event.part.index] = { id: event.part.id, name: event.part.name, arguments: "" };
    else if (event.type === "tool-call-delta") choice.calls[event.index]!.arguments += event.arguments;
    else if (event.type === "choice-end") choice.finish = event.reason;
  }
  if (usage === undefined) throw new Error("The request ended without usage.");
  return { events: all, choices, usage };
}

export async function complete(
  backend: Backend,
  request: Partial<CompletionRequest> = {},
  signal: AbortSignal = new AbortController().signal,
): Promise<CollectedText> {
  return collect(runBackend(backend, "completion", completionRequest(request), { signal }));
}

export async function chat(
  backend: Backend,
  request: Partial<ChatRequest> = {},
  signal: AbortSignal = new AbortController().signal,
): Promise<CollectedText> {
  return collect(runBackend(backend, "chat", chatRequest(request), { signal }));
}
