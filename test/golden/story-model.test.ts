// The story model against llama-server (test/golden/own/story.json): greedy text, token ids, log-probabilities, and text under
// grammars.
import { Ajv2020 } from "ajv/dist/2020.js";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createLlamaBackend } from "../../src/backends/llama/backend.ts";
import type { Backend } from "../../src/domain/backend.ts";
import type { JsonSchema } from "../../src/domain/sampling.ts";
import type { TokenLogprob } from "../../src/domain/text.ts";
import { type GoldenAnswer, expectModelOf, readGolden } from "../support/goldens.ts";
import { complete, testContext, textSpec } from "../support/llama.ts";
import { storyToken, storyModel } from "../support/story-model.ts";
import {
  attentionDifference,
  expectSameUntilNearTie,
  logprobDifference,
  storyModelSpread as spread,
} from "../support/tolerances.ts";

const golden = readGolden("story");
const path = storyModel;
const finishes = { limit: "length", eos: "end-of-turn" } as const;

let backend: Backend;
beforeAll(async () => {
  // As the reference ran: with flash attention the sums are taken in another order.
  backend = await createLlamaBackend(textSpec(path, { flashAttention: false }), testContext());
});
afterAll(() => backend.dispose());

/** `before` = tokens of the prompt. Answers how many tokens are the same: all of them, but for a near tie. */
function expectLogprobs(
  own: readonly TokenLogprob[],
  { tokens, before }: { tokens: GoldenAnswer["tokens"]; before: number },
): number {
  const relative = attentionDifference(before + tokens.length);
  const scored = tokens.map(({ id, top }) => ({ id, top: top.map(([other, logprob]) => ({ id: other, logprob })) }));
  const same = expectSameUntilNearTie(own, scored, { relative, spread });
  for (const [index, { logprob, top }] of tokens.slice(0, same).entries()) {
    const actual = own[index]!;
    const within = (value: number, reference: number): void =>
      expect(Math.abs(value - reference), `token ${index}`).toBeLessThan(
        logprobDifference({ relative, spread, logprob: reference }),
      );
    within(actual.logprob!, logprob);
    for (const [place, [id, expected]] of top.entries()) {
      // Two alternatives within the tolerance of each other may change places, so places and ids are compared apart.
      within(actual.top[place]!.logprob!, expected);
      const alternative = actual.top.find((other) => other.id === id);
      if (alternative !== undefined) within(alternative.logprob!, expected);
    }
  }
  return same;
}

describe("the story model against llama-server", () => {
  it("is the model that llama-server was asked about", () => {
    expectModelOf(golden, path);
  });

  it.each(golden.greedy)("continues $prompt with the same tokens at the same log-probabilities", async (expected) => {
    const { choices, usage } = await complete(backend, {
      prompts: [expected.prompt],
      topLogprobs: 5,
      limits: { maxTokens: expected.tokens.length, stop: [] },
    });
    const same = expectLogprobs(choices[0]!.logprobs, { tokens: expected.tokens, before: expected.promptLength });
    if (same === expected.tokens.length) expect(choices[0]!.text).toBe(expected.text);
    expect(choices[0]!.finish).toBe(finishes[expected.stop]);
    expect(usage.promptTokens).toBe(expected.promptLength);
  });

  it.each(golden.greedy)("takes $prompt as token ids and answers the same", async (expected) => {
    const { choices } = await complete(backend, {
      prompts: [expected.promptTokens],
      topLogprobs: 5,
      limits: { maxTokens: expected.tokens.length, stop: [] },
    });
    expectLogprobs(choices[0]!.logprobs, { tokens: expected.tokens, before: expected.promptLength });
  });

  it("answers the same with every prompt side by side", async () => {
    const { choices } = await complete(backend, {
      prompts: golden.greedy.map(({ prompt }) => prompt),
      topLogprobs: 5,
      limits: { maxTokens: Math.max(...golden.greedy.map(({ tokens }) => tokens.length)), stop: [] },
    });
    for (const [index, { tokens, promptLength }] of golden.greedy.entries()) {
      expectLogprobs(choices[index]!.logprobs.slice(0, tokens.length), { tokens, before: promptLength });
    }
  });

  it("scores a prompt as the reference scores the same tokens generated", async () => {
    for (const { promptTokens, tokens } of golden.greedy) {
      const { choices } = await complete(backend, {
        prompts: [[...promptTokens, ...tokens.map(({ id }) => id)]],
        echo: true,
        topLogprobs: 5,
        limits: { maxTokens: 0, stop: [] },
      });
      expectLogprobs(choices[0]!.logprobs.slice(-tokens.length), { tokens, before: promptTokens.length });
    }
  });

  it("ends with stop where the end token comes", async () => {
    const { ended } = golden;
    const { choices, usage } = await complete(backend, {
      prompts: [ended.prompt],
      sampling: { temperature: 0, logitBias: [[storyToken.eos, 100]] },
    });
    expect(choices[0]).toMatchObject({ text: ended.text, finish: finishes[ended.stop] });
    expect(usage.completionTokens).toBe(ended.tokens.length);
  });

  it.each(golden.held.filter(({ grammar }) => grammar !== undefined))(
    "writes the same text under the same grammar: $name",
    async ({ prompt, grammar = "", text }) => {
      const { choices } = await complete(backend, {
        prompts: [prompt],
        constraint: { type: "grammar", grammar },
        limits: { maxTokens: 100, stop: [] },
      });
      expect(choices[0]).toMatchObject({ text, finish: "end-of-turn" });
    },
  );

  // The two grammars of a schema leave white space in different places, so the documents are compared by their schema.
  it.each(golden.held.filter(({ json_schema }) => json_schema !== undefined))(
    "takes the reference's document for valid by the schema, and writes a valid one itself: $name",
    async ({ prompt, json_schema: schema = {}, text }) => {
      const constrained = async (only: JsonSchema): Promise<unknown> => {
        const { choices } = await complete(backend, {
          prompts: [prompt],
          constraint: { type: "json-schema", name: "golden", schema: only, strict: true },
          limits: { maxTokens: 100, stop: [] },
        });
        expect(choices[0]!.finish).toBe("end-of-turn");
        return JSON.parse(choices[0]!.text) as unknown;
      };
      const reference: unknown = JSON.parse(text);
      expect(await constrained({ enum: [reference as object] })).toEqual(reference);
      expect(new Ajv2020({ strict: false }).validate(schema, await constrained(schema))).toBe(true);
      expect(new Ajv2020({ strict: false }).validate(schema, reference)).toBe(true);
    },
  );
});
