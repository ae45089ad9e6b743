// Greedy text of a real tiny model against llama-server's: token ids equal up to a near tie, log-probabilities within what the
// float16 cache leaves open.
import { readFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createLlamaBackend } from "../../src/backends/llama/backend.ts";
import type { Backend } from "../../src/domain/backend.ts";
import type { TokenLogprob } from "../../src/domain/text.ts";
import { complete, testContext, textSpec } from "../support/llama.ts";
import { shared, sharedPath } from "../support/shared.ts";
import {
  attentionDifference,
  expectSameUntilNearTie,
  logprobDifference,
  storiesSpread as spread,
} from "../support/tolerances.ts";

interface GoldenCase {
  readonly prompt: string;
  readonly prompt_tokens: readonly number[];
  readonly text: string;
  readonly finish_reason: string;
  readonly usage: { readonly prompt_tokens: number; readonly completion_tokens: number };
  readonly tokens: readonly {
    readonly id: number;
    readonly logprob: number;
    readonly top: readonly (readonly [number, number])[];
  }[];
}

const goldenFile = ["golden", "stories260K-greedy.json"] as const;
const modelFile = ["models", "stories260K", "stories260K-f32.gguf"] as const;
const [values, model] = [shared(...goldenFile), shared(...modelFile)];
const reference = values.isMet ? model : values;
const cases = reference.isMet
  ? (JSON.parse(readFileSync(sharedPath(...goldenFile), "utf8")) as { cases: GoldenCase[] }).cases
  : [];

describe.skipIf(!reference.isMet)(
  `stories260K against ../shared/golden/stories260K-greedy.json${reference.note}`,
  () => {
    let backend: Backend;
    beforeAll(async () => {
      backend = await createLlamaBackend(textSpec(sharedPath(...modelFile)), testContext());
    });
    afterAll(async () => {
      await backend.dispose();
    });

    it.each(cases.map((golden) => [golden.prompt, golden] as const))(
      "continues %j as llama-server does",
      async (prompt, golden) => {
        const { choices, usage } = await complete(backend, {
          prompts: [prompt],
          topLogprobs: 5,
          limits: { maxTokens: golden.tokens.length, stop: [] },
        });
        const choice = choices[0]!;
        const before = golden.prompt_tokens.length;
        const relative = attentionDifference(before + golden.tokens.length);
        const same = expectSameUntilNearTie(choice.logprobs, golden.tokens.map(toScored), { relative, spread });
        if (same === golden.tokens.length) expect(choice.text).toBe(golden.text);
        expect(choice.finish).toBe(golden.finish_reason === "length" ? "length" : "end-of-turn");
        expect(usage.promptTokens).toBe(golden.usage.prompt_tokens);
        expect(usage.completionTokens).toBe(golden.usage.completion_tokens);
        expectScores(choice.logprobs.slice(0, same), golden.tokens.slice(0, same), before);
      },
    );

    it.each(cases.map((golden) => [golden.prompt, golden] as const))(
      "scores llama-server's continuation of %j as llama-server does",
      async (_, { prompt_tokens: before, tokens }) => {
        const { choices } = await complete(backend, {
          prompts: [[...before, ...tokens.map(({ id }) => id)]],
          echo: true,
          topLogprobs: 5,
          limits: { maxTokens: 0, stop: [] },
        });
        expectScores(choices[0]!.logprobs.slice(before.length), tokens, before.length);
      },
    );

    it("takes the prompt as token ids and answers the same", async () => {
      const golden = cases[0]!;
      const { choices } = await complete(backend, {
        prompts: [golden.prompt_tokens],
        topLogprobs: 0,
        limits: { maxTokens: golden.tokens.length, stop: [] },
      });
      const relative = attentionDifference(golden.prompt_tokens.length + golden.tokens.length);
      expectSameUntilNearTie(choices[0]!.logprobs, golden.tokens.map(toScored), { relative, spread });
    });
  },
);

function toScored({ id, top }: GoldenCase["tokens"][number]) {
  return { id, top: top.map(([alternative, logprob]) => ({ id: alternative, logprob })) };
}

/** `before` = tokens of the prompt. */
function expectScores(own: readonly TokenLogprob[], expected: GoldenCase["tokens"], before: number): void {
  expect(own).toHaveLength(expected.length);
  for (const [index, token] of expected.entries()) {
    const relative = attentionDifference(before + index);
    const scored = own[index]!;
    const within = (value: number | null | undefined, logprob: number): void =>
      expect(Math.abs(value! - logprob)).toBeLessThan(logprobDifference({ relative, spread, logprob }));
    expect(scored.id).toBe(token.id);
    within(scored.logprob, token.logprob);
    // Two alternatives near each other may change places, so places and ids are compared apart.
    for (const [place, [id, logprob]] of token.top.entries()) {
      within(scored.top[place]!.logprob, logprob);
      const same = scored.top.find((alternative) => alternative.id === id);
      if (same !== undefined) within(same.logprob, logprob);
    }
  }
}
