// Helpers for tests of the llama backend: a model's options and domain requests with their defaults, and functions that run a request
// on a backend and read its events.
import type { Backend, BackendContext } from "../../src/domain/backend.ts";
import type { ChatRequest } from "../../src/domain/chat.ts";
import type { CompletionRequest } from "../../src/domain/completion.ts";
import type { EmbeddingRequest, EmbeddingResult } from "../../src/domain/embedding.ts";
import type { ModelSpec, TextModelOptions } from "../../src/domain/model.ts";
import { runBackend } from "./run-backend.ts";
import { temporaryFolder } from "./temporary-folder.ts";
import type { AppliedTemplate, TextEvent, TextUsage, TokenLogprob } from "../../src/domain/text.ts";

export const textDefaults: TextModelOptions = {
  kind: "text",
  contextSize: 0,
  parallel: 4,
  batchSize: 512,
  threads: 1,
  gpuLayers: 0,
  flashAttention: "auto",
  reproducible: false,
  mmap: "auto",
  swaFullCache: "auto",
  kvCacheType: "f16",
  lora: [],
  draftModel: null,
  promptLookup: 0,
  chatTemplate: null,
  chatTemplateKwargs: {},
  family: "auto",
  thinkingBudget: null,
  prefixStoreBytes: 0,
  maxQueue: 32,
  defaults: { temperature: 1, topP: 1, topK: 0, minP: 0, repeatPenalty: 1, maxTokens: 0 },
  embedding: false,
  embeddingOptions: {
    queryPrefix: "",
    passagePrefix: "",
    defaultPrefix: "",
    prompts: {},
    tokenIds: "auto",
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
  return {
    log,
    cacheDirectory: temporaryFolder("cache"),
    memoryBudgetBytes: 2 ** 30,
    signal: new AbortController().signal,
  };
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
  readonly choices: readonly CollectedChoice[];
  readonly usage: TextUsage;
}

/**
 * Reads a request's events to their end. Throws where their order is not the one that `domain/text.ts` promises: the first says
 * that the request is accepted, every choice ends once and says nothing afterwards, the last one tells the usage.
 */
export async function collect(events: AsyncIterable<TextEvent>): Promise<CollectedText> {
  const choices: CollectedChoice[] = [];
  let acceptedTokens: number | undefined;
  let usage: TextUsage | undefined;
  for await (const event of events) {
    if (usage !== undefined) throw new Error(`'${event.type}' came after the usage.`);
    if (event.type === "accepted") {
      if (acceptedTokens !== undefined || choices.length > 0)
        throw new Error("The request was accepted late or twice.");
      acceptedTokens = event.promptTokens;
    } else if (event.type === "finish") usage = event.usage;
    else addToChoice(choices, event);
  }
  if (usage === undefined) throw new Error("The request ended without usage.");
  if (acceptedTokens !== usage.promptTokens) throw new Error(`The request was accepted with ${acceptedTokens} tokens.`);
  const open = choices.findIndex((choice) => choice.finish === undefined);
  if (open !== -1) throw new Error(`Choice ${open} did not end.`);
  return { choices, usage };
}

function addToChoice(choices: CollectedChoice[], event: Extract<TextEvent, { choice: number }>): void {
  const choice = (choices[event.choice] ??= { text: "", reasoning: "", logprobs: [], calls: [], finish: undefined });
  if (choice.finish !== undefined) throw new Error(`'${event.type}' came after the end of choice ${event.choice}.`);
  switch (event.type) {
    case "text-delta":
      choice.text += event.text;
      choice.logprobs.push(...(event.logprobs ?? []));
      return;
    case "reasoning-delta":
      choice.reasoning += event.text;
      return;
    case "part-start":
      if (event.part.type !== "tool-call") return;
      choice.calls[event.part.index] = { id: event.part.id, name: event.part.name, arguments: "" };
      return;
    case "tool-call-delta":
      choice.calls[event.index]!.arguments += event.arguments;
      return;
    case "part-end":
      return;
    case "choice-end":
      choice.finish = event.reason;
  }
}

const never = new AbortController().signal;

/** The events of a completion as they come. Leaving the iteration leaves the request. */
export function streamCompletion(
  backend: Backend,
  request: Partial<CompletionRequest> = {},
  signal: AbortSignal = never,
): AsyncGenerator<TextEvent> {
  return runBackend(backend, "completion", completionRequest(request), { signal });
}

/** The same of a chat. */
export function streamChat(
  backend: Backend,
  request: Partial<ChatRequest> = {},
  signal: AbortSignal = never,
): AsyncGenerator<TextEvent> {
  return runBackend(backend, "chat", chatRequest(request), { signal });
}

/** Reads the event with which a request is accepted; returns the number of its prompt's tokens. */
export async function readAcceptance(events: AsyncGenerator<TextEvent>): Promise<number> {
  const { value, done } = await events.next();
  if (done === true || value.type !== "accepted") throw new Error("The first event is not that of acceptance.");
  return value.promptTokens;
}

/** Reads up to the first text. @throws Error where there is none */
export async function readFirstText(events: AsyncGenerator<TextEvent>): Promise<void> {
  for (;;) {
    const { value, done } = await events.next();
    if (done === true) throw new Error("The request ended before its first text.");
    if (value.type === "text-delta") return;
  }
}

/** Reads a request to its end from wherever it is. */
export async function readRest(events: AsyncGenerator<TextEvent>): Promise<TextUsage> {
  for await (const event of events) if (event.type === "finish") return event.usage;
  throw new Error("The request ended without usage.");
}

/** The pieces of text as they are streamed. */
export async function* textPieces(events: AsyncIterable<TextEvent>): AsyncGenerator<string> {
  for await (const event of events) if (event.type === "text-delta") yield event.text;
}

export async function complete(
  backend: Backend,
  request: Partial<CompletionRequest> = {},
  signal: AbortSignal = never,
): Promise<CollectedText> {
  return collect(runBackend(backend, "completion", completionRequest(request), { signal }));
}

export async function chat(
  backend: Backend,
  request: Partial<ChatRequest> = {},
  signal: AbortSignal = never,
): Promise<CollectedText> {
  return collect(runBackend(backend, "chat", chatRequest(request), { signal }));
}

export async function applyTemplate(
  backend: Backend,
  request: Partial<ChatRequest> = {},
  signal: AbortSignal = never,
): Promise<AppliedTemplate> {
  for await (const answer of runBackend(backend, "apply-template", chatRequest(request), { signal })) return answer;
  throw new Error("The template was applied without an answer.");
}

export async function embedTexts(
  backend: Backend,
  request: EmbeddingRequest,
  signal: AbortSignal = never,
): Promise<EmbeddingResult> {
  for await (const result of runBackend(backend, "embedding", request, { signal })) return result;
  throw new Error("The embedding ended without an answer.");
}
