// Sends the cases to llama-server, and keeps the parts of its answers that the tests compare.

import { readdirSync } from "node:fs";
import { join } from "node:path";

import { constraints, conversations, greedyPrompts, tokenisedTexts } from "./cases.ts";
import { type ReferenceServer, startReference } from "./server-process.ts";

interface Probability {
  readonly id: number;
  readonly logprob: number;
  readonly top_logprobs: readonly Probability[];
}

interface Completion {
  readonly content: string;
  readonly tokens: readonly number[];
  readonly tokens_evaluated: number;
  readonly stop_type: string;
  readonly completion_probabilities: readonly Probability[];
}

/**
 * Least lead of a token's log-probability. Builds of llama.cpp for different processors differ by up to 0.007 on the story model, as some
 * compute in half precision, so a token with a smaller lead may be another one elsewhere.
 */
const smallestMargin = 0.02;
const greedy = { temperature: 0, cache_prompt: false, return_tokens: true, n_probs: 5 };

/** Greedy continuations with log-probabilities, one that ends by the end token, and answers under grammars. */
export async function answersOfStory(model: string): Promise<object> {
  return withServer(model, [], async (server) => {
    const first = greedyPrompts[0].prompt;
    const cases = [];
    for (const { prompt, tokens } of greedyPrompts) {
      const completion = await complete(server, { prompt, n_predict: tokens });
      requireMargins(prompt, completion);
      cases.push({ prompt, promptTokens: await tokenise(server, prompt), ...kept(completion) });
    }
    const ended = await complete(server, { prompt: first, n_predict: 8, logit_bias: [[2, 100]] });
    const held = [];
    for (const [name, constraint] of Object.entries(constraints)) {
      const completion = await complete(server, { prompt: first, n_predict: 100, ...constraint });
      held.push({ name, prompt: first, ...constraint, text: completion.content, stop: completion.stop_type });
    }
    return { greedy: cases, ended: { prompt: first, ...kept(ended) }, held };
  });
}

/** Token ids of texts, with control tokens in them as text and read as such. */
export async function tokenisations(model: string): Promise<object> {
  return withServer(model, [], async (server) => {
    const cases = [];
    for (const text of tokenisedTexts) cases.push(await tokenised(server, text));
    return { cases };
  });
}

export interface TokenisedText {
  readonly text: string;
  readonly plain: readonly number[];
  readonly special: readonly number[];
}

/** Token ids of a text without BOS, with control tokens in it as text and read as such. */
export async function tokenised(server: ReferenceServer, text: string): Promise<TokenisedText> {
  const ask = async (parse_special: boolean): Promise<readonly number[]> =>
    (await answer<{ tokens: number[] }>(server, "/tokenize", { content: text, parse_special })).tokens;
  return { text, plain: await ask(false), special: await ask(true) };
}

/** Every template with every conversation: the prompt, or that it is refused. */
export async function renderings(model: string, folder: string): Promise<object> {
  const rendered: Record<string, Record<string, object>> = {};
  for (const file of readdirSync(folder).toSorted()) {
    rendered[file] = await withServer(model, ["--chat-template-file", join(folder, file)], async (server) => {
      const prompts: Record<string, object> = {};
      for (const [name, conversation] of Object.entries(conversations)) {
        const { status, body } = await server.ask("/apply-template", conversation);
        prompts[name] = status === 200 ? { prompt: (body as { prompt: string }).prompt } : { refused: true };
      }
      return prompts;
    });
  }
  return { conversations, rendered };
}

export async function withServer<T>(
  model: string,
  flags: readonly string[],
  work: (server: ReferenceServer) => Promise<T>,
): Promise<T> {
  const server = await startReference({ model, flags });
  try {
    return await work(server);
  } finally {
    await server.stop();
  }
}

export async function complete(server: ReferenceServer, request: object): Promise<Completion> {
  return answer<Completion>(server, "/completion", { ...greedy, ...request });
}

async function tokenise(server: ReferenceServer, content: string): Promise<readonly number[]> {
  return (await answer<{ tokens: number[] }>(server, "/tokenize", { content, add_special: true })).tokens;
}

async function answer<T>(server: ReferenceServer, path: string, request: object): Promise<T> {
  const { status, body } = await server.ask(path, request);
  if (status !== 200) throw new Error(`${path} answered ${status}: ${JSON.stringify(body)}`);
  return body as T;
}

/** The parts of an answer that are compared. */
export interface KeptAnswer {
  readonly promptLength: number;
  readonly text: string;
  readonly stop: string;
  readonly tokens: readonly {
    readonly id: number;
    readonly logprob: number;
    readonly top: readonly (readonly [number, number])[];
  }[];
}

export function kept({ content, tokens_evaluated, stop_type, completion_probabilities }: Completion): KeptAnswer {
  return {
    promptLength: tokens_evaluated,
    text: content,
    stop: stop_type,
    tokens: completion_probabilities.map(({ id, logprob, top_logprobs }) => ({
      id,
      logprob: rounded(logprob),
      top: top_logprobs.map((other) => [other.id, rounded(other.logprob)] as const),
    })),
  };
}

function requireMargins(prompt: string, { completion_probabilities }: Completion): void {
  for (const [index, { top_logprobs }] of completion_probabilities.entries()) {
    const [first, second] = top_logprobs;
    const margin = (first?.logprob ?? 0) - (second?.logprob ?? -Infinity);
    if (margin < smallestMargin) {
      throw new Error(
        `After ${JSON.stringify(prompt)} token ${index} wins by ${margin.toFixed(4)} only: ask for fewer.`,
      );
    }
  }
}

function rounded(value: number): number {
  return Number(value.toFixed(5));
}
