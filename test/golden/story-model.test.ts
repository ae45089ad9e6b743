// The story model against llama-server (test/golden/own/story.json): greedy text, token ids, log-probabilities, and what grammars
// leave of them.
import { Ajv2020 } from "ajv/dist/2020.js";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createLlamaBackend } from "../../src/backends/llama/backend.ts";
import type { Backend } from "../../src/domain/backend.ts";
import type { JsonSchema } from "../../src/domain/sampling.ts";
import type { TokenLogprob } from "../../src/domain/text.ts";
import { type GoldenAnswer, expectModelOf, logprobTolerance, readGolden } from "../support/goldens.ts";
import { complete, testContext, textSpec } from "../support/llama.ts";
import { storyToken, useStoryModel } from "../support/story-model.ts";

const golden = readGolden("story");
const path = useStoryModel();
const finishes = { limit: "length", eos: "stop" } as const;

let backend: Backend;
beforeAll(async () => {
  // As the reference ran: with flash attention the sums are taken in another order.
  backend = await createLlamaBackend(textSpec(path, { flashAttention: false }), testContext());
});
afterAll(() => backend.dispose());

function expectLogprobs(own: readonly TokenLogprob[], tokens: GoldenAnswer["tokens"]): void {
  expect(own.map(({ id }) => id)).toEqual(tokens.map(({ id }) => id));
  for (const [index, { logprob, top }] of tokens.entries()) {
    const actual = own[index]!;
    expect(Math.abs(actual.logprob! - logprob), `token ${index}`).toBeLessThan(logprobTolerance);
    expect(actual.top[0]!.id).toBe(top[0]![0]);
    for (const [place, [id, expected]] of top.entries()) {
      // Two alternatives within the tolerance of each other may change places, so places and ids are compared apart.
      expect(Math.abs(actual.top[place]!.logprob! - expected), `token ${index}`).toBeLessThan(logprobTolerance);
      const same = actual.top.find((alternative) => alternative.id === id);
      if (same !== undefined) expect(Math.abs(same.logprob! - expected)).toBeLessThan(logprobTolerance);
    }
  }
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
    expectLogprobs(choices[0]!.logprobs, expected.tokens);
    expect(choices[0]!.text).toBe(expected.text);
    expect(choices[0]!.finish).toBe(finishes[expected.stop]);
    expect(usage.promptTokens).toBe(expected.promptLength);
  });

  it.each(golden.greedy)("takes $prompt as token ids and answers the same", async (expected) => {
    const { choices } = await complete(backend, {
      prompts: [expected.promptTokens],
      limits: { maxTokens: expected.tokens.length, stop: [] },
    });
    expect(choices[0]!.text).toBe(expected.text);
  });

  it("answers the same with every prompt side by side", async () => {
    const { choices } = await complete(backend, {
      prompts: golden.greedy.map(({ prompt }) => prompt),
      topLogprobs: 5,
      limits: { maxTokens: Math.max(...golden.greedy.map(({ tokens }) => tokens.length)), stop: [] },
    });
    for (const [index, { tokens }] of golden.greedy.entries()) {
      expectLogprobs(choices[index]!.logprobs.slice(0, tokens.length), tokens);
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
      expectLogprobs(choices[0]!.logprobs.slice(-tokens.length), tokens);
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
    "writes what the same grammar leaves of the text: $name",
    async ({ prompt, grammar = "", text }) => {
      const { choices } = await complete(backend, {
        prompts: [prompt],
        constraint: { type: "grammar", grammar },
        limits: { maxTokens: 100, stop: [] },
      });
      expect(choices[0]).toMatchObject({ text, finish: "stop" });
    },
  );

  // The two grammars of a schema leave white space in different places, so the documents are compared by their schema.
  it.each(golden.held.filter(({ json_schema }) => json_schema !== undefined))(
    "takes as a document of a schema what the reference wrote, and writes one itself: $name",
    async ({ prompt, json_schema: schema = {}, text }) => {
      const constrained = async (only: JsonSchema): Promise<unknown> => {
        const { choices } = await complete(backend, {
          prompts: [prompt],
          constraint: { type: "json-schema", name: "golden", schema: only, strict: true },
          limits: { maxTokens: 100, stop: [] },
        });
        expect(choices[0]!.finish).toBe("stop");
        return JSON.parse(choices[0]!.text) as unknown;
      };
      const reference: unknown = JSON.parse(text);
      expect(await constrained({ enum: [reference as object] })).toEqual(reference);
      expect(new Ajv2020({ strict: false }).validate(schema, await constrained(schema))).toBe(true);
      expect(new Ajv2020({ strict: false }).validate(schema, reference)).toBe(true);
    },
  );
});
