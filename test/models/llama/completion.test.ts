// Completions: everything the API promises that needs no particular text.
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createLlamaBackend } from "../../../src/backends/llama/backend.ts";
import { tailTokens } from "../../../src/backends/llama/engine/plan/prompt-shape.ts";
import type { Backend } from "../../../src/domain/backend.ts";
import type { CompletionRequest } from "../../../src/domain/completion.ts";
import { complete, testContext, textSpec, streamCompletion, textPieces } from "../../support/llama.ts";
import {
  attentionDifference,
  expectSameUntilNearTie,
  logprobDifference,
  storyModelSpread as spread,
} from "../../support/tolerances.ts";
import { readGolden } from "../../support/goldens.ts";
import { storyToken, storyModel } from "../../support/story-model.ts";

const path = storyModel;
const golden = readGolden("story").greedy[0]!;

describe("completions", () => {
  let backend: Backend;
  beforeAll(async () => {
    backend = await createLlamaBackend(textSpec(path, { parallel: 3 }), testContext());
  });
  afterAll(async () => {
    await backend.dispose();
  });

  it("gives usage, choices and one finish reason per choice that agree", async () => {
    const { choices, usage } = await complete(backend, {
      prompts: ["Once upon a time", "The little dog"],
      n: 2,
      sampling: { temperature: 1, seed: 3 },
    });
    expect(choices).toHaveLength(4);
    expect(usage.completionTokens).toBe(4 * 32);
    expect(choices.every(({ finish }) => finish === "length")).toBe(true);
  });

  it("never shows a stop string, and ends with stop where one comes", async () => {
    const letters = fc.constantFrom("a", "e", " ", "t", "h", "o", "n", "Lily", "the", ". ", "w", ",");
    const stops = fc.array(
      fc.array(letters, { minLength: 1, maxLength: 3 }).map((parts) => parts.join("")),
      {
        minLength: 1,
        maxLength: 4,
      },
    );
    const free = await complete(backend, { limits: { maxTokens: 60, stop: [] } });
    const whole = free.choices[0]!.text;
    await fc.assert(
      fc.asyncProperty(stops, async (stop) => {
        const { choices } = await complete(backend, { topLogprobs: 1, limits: { maxTokens: 60, stop } });
        const { text, finish, logprobs } = choices[0]!;
        expect(whole.startsWith(text)).toBe(true);
        expect(stop.some((string) => text.includes(string))).toBe(false);
        expect(finish).toBe(stop.some((string) => whole.includes(string)) ? "stop-string" : "length");
        // Log-probabilities never show what the text does not.
        expect(text.startsWith(logprobs.map((token) => token.text).join(""))).toBe(true);
      }),
      { numRuns: 40 },
    );
  });

  it("answers the same to the same seed, and differently to another one", async () => {
    const ask = async (seed: number): Promise<string> =>
      (await complete(backend, { sampling: { temperature: 1.5, seed } })).choices[0]!.text;
    expect(await ask(11)).toBe(await ask(11));
    expect(await ask(11)).not.toBe(await ask(12));
  });

  it("gives choice i the seed + i, whether or not there is a slot for every choice", async () => {
    // In float32 throughout the shape of a batch moves the logits by a millionth: too little for a draw to fall otherwise.
    const exact = { parallel: 3, kvCacheType: "f32", flashAttention: false } as const;
    const backend = await createLlamaBackend(textSpec(path, exact), testContext());
    const limits = { maxTokens: 6, stop: [] };
    const sampling = { temperature: 1.5, seed: 100 };
    const { choices, usage } = await complete(backend, { n: 5, sampling, limits });
    for (const [index, choice] of choices.entries()) {
      const alone = await complete(backend, { limits, sampling: { ...sampling, seed: 100 + index } });
      expect(choice.text).toBe(alone.choices[0]!.text);
    }
    expect(usage.promptTokens).toBe(5);
    await backend.dispose();
  });

  it("answers alike, one at a time or many at once", async () => {
    const prompts = ["Once upon a time", "The little dog", "One day, a boy", "She said", "It was a sunny day"];
    const alone = [];
    for (const prompt of prompts) alone.push(await complete(backend, { prompts: [prompt], topLogprobs: 2 }));
    const together = await Promise.all(
      prompts.map((prompt) => complete(backend, { prompts: [prompt], topLogprobs: 2 })),
    );
    const asOne = await complete(backend, { prompts, topLogprobs: 2 });
    for (const [index, { choices, usage }] of alone.entries()) {
      const expected = choices[0]!.logprobs;
      const error = { relative: attentionDifference(usage.promptTokens + usage.completionTokens), spread };
      expectSameUntilNearTie(together[index]!.choices[0]!.logprobs, expected, error);
      expectSameUntilNearTie(asOne.choices[index]!.logprobs, expected, error);
    }
  });

  it("reuses the prefix that a slot holds and counts it as cached", async () => {
    const prompt = "Tom had a red car. He liked to play with the car all day long in the park with Sam.";
    const first = await complete(backend, { prompts: [prompt], topLogprobs: 2 });
    const again = await complete(backend, { prompts: [prompt], topLogprobs: 2 });
    expect(again.usage.cachedTokens).toBe(again.usage.promptTokens - tailTokens);
    const error = { relative: attentionDifference(first.usage.promptTokens + 32), spread };
    expectSameUntilNearTie(again.choices[0]!.logprobs, first.choices[0]!.logprobs, error);
    const longer = await complete(backend, { prompts: [prompt + first.choices[0]!.text + " Then"] });
    expect(longer.usage.cachedTokens).toBeGreaterThan(again.usage.promptTokens - 3);
    expect(longer.usage.cachedTokens).toBeLessThan(longer.usage.promptTokens);
  });

  it("echoes the prompt with its log-probabilities and generates nothing when asked for nothing", async () => {
    const prompt = golden.prompt + golden.text;
    const { choices, usage } = await complete(backend, {
      prompts: [prompt],
      echo: true,
      topLogprobs: 3,
      limits: { maxTokens: 0, stop: [] },
    });
    const { text, logprobs, finish } = choices[0]!;
    expect(text).toBe(prompt);
    expect(finish).toBe("length");
    expect(usage.completionTokens).toBe(0);
    expect(usage.cachedTokens).toBe(0);
    expect(logprobs).toHaveLength(usage.promptTokens - 1);
    expect(logprobs.every((token) => token.top.length === 3)).toBe(true);
    expect(logprobs.every(({ logprob }) => logprob! < 0)).toBe(true);
  });

  it("gives the first of a list of token ids no log-probability: nothing predicts it", async () => {
    const { choices } = await complete(backend, {
      prompts: [[403, 407, 261, 378]],
      echo: true,
      topLogprobs: 0,
      limits: { maxTokens: 1, stop: [] },
    });
    const { logprobs } = choices[0]!;
    expect(logprobs.map(({ id }) => id).slice(0, 4)).toEqual([403, 407, 261, 378]);
    expect(logprobs).toHaveLength(5);
    expect(logprobs[0]!.logprob).toBeNull();
    expect(logprobs.slice(1).every((token) => token.logprob! < 0)).toBe(true);
  });

  it("scores a prompt as it scores the same text generated", async () => {
    const prompt = golden.promptTokens;
    const generated = await complete(backend, {
      prompts: [prompt],
      topLogprobs: 2,
      limits: { maxTokens: 20, stop: [] },
    });
    const ids = generated.choices[0]!.logprobs.map(({ id }) => id);
    const scored = await complete(backend, {
      prompts: [[...prompt, ...ids]],
      echo: true,
      topLogprobs: 2,
      limits: { maxTokens: 0, stop: [] },
    });
    const tail = scored.choices[0]!.logprobs.slice(-20);
    tail.forEach((token, index) => {
      const logprob = generated.choices[0]!.logprobs[index]!.logprob!;
      const error = logprobDifference({ relative: attentionDifference(5 + index), spread, logprob });
      expect(Math.abs(token.logprob! - logprob)).toBeLessThan(error);
    });
  });

  it("returns the candidates with the highest mean log-probability, best first", async () => {
    const request = { sampling: { temperature: 1.5, seed: 5 }, topLogprobs: 0, limits: { maxTokens: 12, stop: [] } };
    const mean = (logprobs: readonly { logprob: number | null }[]): number =>
      logprobs.reduce((sum, token) => sum + token.logprob!, 0) / logprobs.length;
    const all = await complete(backend, { ...request, n: 4, bestOf: 4 });
    const best = await complete(backend, { ...request, n: 2, bestOf: 4 });
    const expected = all.choices.toSorted((one, other) => mean(other.logprobs) - mean(one.logprobs)).slice(0, 2);
    expect(best.choices.map(({ text }) => text)).toEqual(expected.map(({ text }) => text));
    expect(best.usage.completionTokens).toBe(48);
  });

  it("bans and forces tokens by logit_bias, and still scores them by the model's own logits", async () => {
    const free = await complete(backend, { topLogprobs: 0, limits: { maxTokens: 1, stop: [] } });
    const favourite = free.choices[0]!.logprobs[0]!;
    const limits = { maxTokens: 6, stop: [] };
    const banned = await complete(backend, {
      topLogprobs: 1,
      limits,
      sampling: { temperature: 0, logitBias: [[favourite.id, -100]] },
    });
    expect(banned.choices[0]!.logprobs.some(({ id }) => id === favourite.id)).toBe(false);
    expect(banned.choices[0]!.logprobs[0]!.top[0]!.id).toBe(favourite.id);
    const forced = await complete(backend, {
      topLogprobs: 0,
      limits,
      sampling: { temperature: 1, logitBias: [[300, 100]] },
    });
    expect(forced.choices[0]!.logprobs.map(({ id }) => id)).toEqual(Array.from({ length: 6 }, () => 300));
  });

  it("lets presence and frequency penalties count what was generated, not the prompt", async () => {
    const prompts = ["Lily Lily Lily Lily Lily Lily"];
    const limits = { maxTokens: 1, stop: [] };
    const plain = await complete(backend, { prompts, limits });
    const penalised = await complete(backend, {
      prompts,
      limits,
      sampling: { temperature: 0, presencePenalty: 2, frequencyPenalty: 2 },
    });
    expect(penalised.choices[0]!.text).toBe(plain.choices[0]!.text);
    const many = { maxTokens: 200, stop: [] };
    const distinct = async (frequencyPenalty: number): Promise<number> => {
      const { choices } = await complete(backend, {
        topLogprobs: 0,
        limits: many,
        sampling: { temperature: 0, frequencyPenalty },
      });
      return new Set(choices[0]!.logprobs.map(({ id }) => id)).size;
    };
    expect(await distinct(2)).toBeGreaterThan(await distinct(0));
  });

  it("lets the repeat penalty look at the prompt, alone and together with a frequency penalty", async () => {
    const prompts = ["Lily was sad. Lily was sad. Lily was sad. Lily was"];
    const limits = { maxTokens: 24, stop: [] };
    const ask = async (sampling: object) =>
      (await complete(backend, { prompts, limits, sampling: { temperature: 0, ...sampling } })).choices[0]!.text;
    expect(await ask({ repeatPenalty: 1.8 })).not.toBe(await ask({}));
    // A repeat penalty close to 1 changes nothing but takes the native window, so that the other two are applied as biases.
    expect(await ask({ repeatPenalty: 1.0001, frequencyPenalty: 2, presencePenalty: 2 })).toBe(
      await ask({ frequencyPenalty: 2, presencePenalty: 2 }),
    );
    expect(await ask({ frequencyPenalty: 2, presencePenalty: 2 })).not.toBe(await ask({}));
  });

  it("obeys a grammar and ends where it ends", async () => {
    const grammar = 'root ::= "one" | "two, " [a-c]{3}';
    const { choices } = await complete(backend, {
      constraint: { type: "grammar", grammar },
      topLogprobs: 1,
      n: 3,
      sampling: { temperature: 2, seed: 1 },
    });
    for (const { text, finish } of choices) {
      expect(text).toMatch(/^(one|two, [abc]{3})$/);
      expect(finish).toBe("end-of-turn");
    }
  });

  it("ends where a grammar ends even when the end token is banned", async () => {
    for (const temperature of [0, 1]) {
      const { choices } = await complete(backend, {
        constraint: { type: "grammar", grammar: 'root ::= "yes"' },
        sampling: {
          temperature,
          seed: 1,
          logitBias: [
            [storyToken.eos, -100],
            [storyToken.bos, -100],
          ],
        },
      });
      expect(choices[0]).toMatchObject({ text: "yes", finish: "end-of-turn" });
    }
  });

  it("writes JSON that follows a schema, also at a high temperature", async () => {
    const schema = {
      type: "object",
      properties: { name: { enum: ["Lily", "Tom"] }, age: { type: "integer", minimum: 1, maximum: 9 } },
      required: ["name", "age"],
      additionalProperties: false,
    };
    const { choices } = await complete(backend, {
      constraint: { type: "json-schema", name: "person", schema, strict: true },
      n: 4,
      sampling: { temperature: 2, seed: 1 },
      limits: { maxTokens: 200, stop: [] },
    });
    for (const { text } of choices) {
      const value = JSON.parse(text) as { name: string; age: number };
      expect(Object.keys(value)).toEqual(["name", "age"]);
      expect(["Lily", "Tom"]).toContain(value.name);
      expect(value.age).toBeGreaterThanOrEqual(1);
    }
  });

  it("generates up to the end of the context, and then says length", async () => {
    const { choices, usage } = await complete(backend, {
      limits: { stop: [] },
      sampling: {
        temperature: 0,
        logitBias: [
          [storyToken.eos, -100],
          [storyToken.bos, -100],
        ],
      },
    });
    expect(usage.promptTokens + usage.completionTokens).toBe(512);
    expect(choices[0]!.finish).toBe("length");
  });

  it("refuses what does not fit the context, with the real counts, before it accepts", async () => {
    await expect(complete(backend, { limits: { maxTokens: 508, stop: [] } })).rejects.toMatchObject({
      kind: "context_length_exceeded",
      message: expect.stringMatching(
        /maximum context length is 512 tokens.*513 tokens \(5 in the \{prompts\}, 508 in the completion\)/,
      ),
    });
    const long = Array.from({ length: 600 }, () => 300);
    await expect(complete(backend, { prompts: [long], limits: { stop: [] } })).rejects.toMatchObject({
      kind: "context_length_exceeded",
      message: expect.stringContaining("resulted in 600 tokens"),
    });
  });

  it.each([
    [{ prompts: [[1, 512]] }, { kind: "invalid_value", param: "prompts[0][1]" }],
    [{ prompts: ["a", [1, -1]] }, { kind: "invalid_value", param: "prompts[1][1]" }],
    [{ suffix: "the end" }, { kind: "unsupported_parameter", param: "suffix" }],
    [{ sampling: { logitBias: [[512, 1]] } }, { kind: "invalid_value", param: "sampling.logitBias" }],
    [
      { constraint: { type: "grammar", grammar: "root ::= (" } },
      { kind: "invalid_value", param: "constraint.grammar" },
    ],
    [
      {
        constraint: { type: "json-schema", name: "x", schema: { type: "string", not: { minLength: 3 } }, strict: true },
      },
      { kind: "unsupported_schema" },
    ],
  ] satisfies [Partial<CompletionRequest>, object][])("refuses %j", async (request, error) => {
    await expect(complete(backend, request)).rejects.toMatchObject(error);
  });

  it("begins a text of its own after an empty prompt", async () => {
    const { choices, usage } = await complete(backend, { prompts: [""], echo: true });
    expect(usage.promptTokens).toBe(1);
    expect(choices[0]!.text.length).toBeGreaterThan(10);
  });

  it("keeps streamed pieces to whole code points", async () => {
    const grammar = 'root ::= "é€😀" [😀-😂]{4} "ü"';
    let text = "";
    for await (const piece of textPieces(streamCompletion(backend, { constraint: { type: "grammar", grammar } }))) {
      expect(piece.isWellFormed()).toBe(true);
      expect(piece).not.toContain("\uFFFD");
      text += piece;
    }
    expect(text).toMatch(/^é€😀[😀-😂]{4}ü$/u);
  });
});
