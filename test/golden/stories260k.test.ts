// Greedy text of a real tiny model against llama-server's: token ids equal, log-probabilities within 0.01.
import { readFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createLlamaBackend } from "../../src/backends/llama/backend.ts";
import type { Backend } from "../../src/domain/backend.ts";
import { complete, testContext, textSpec } from "../support/llama.ts";
import { shared, sharedPath } from "../support/shared.ts";

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
        expect(choice.logprobs.map(({ id }) => id)).toEqual(golden.tokens.map(({ id }) => id));
        expect(choice.text).toBe(golden.text);
        expect(choice.finish).toBe(golden.finish_reason);
        expect(usage.promptTokens).toBe(golden.usage.prompt_tokens);
        expect(usage.completionTokens).toBe(golden.usage.completion_tokens);
        golden.tokens.forEach((token, index) => {
          const own = choice.logprobs[index]!;
          expect(Math.abs(own.logprob! - token.logprob)).toBeLessThan(0.01);
          // Two alternatives within a hundredth of each other may change places, so places and ids are compared apart.
          token.top.forEach(([id, logprob], place) => {
            expect(Math.abs(own.top[place]!.logprob! - logprob)).toBeLessThan(0.01);
            const same = own.top.find((alternative) => alternative.id === id);
            if (same !== undefined) expect(Math.abs(same.logprob! - logprob)).toBeLessThan(0.01);
          });
          expect(own.top[0]!.id).toBe(token.top[0]![0]);
        });
      },
    );

    it("takes the prompt as token ids and answers the same", async () => {
      const golden = cases[0]!;
      const { choices } = await complete(backend, {
        prompts: [golden.prompt_tokens],
        limits: { maxTokens: golden.tokens.length, stop: [] },
      });
      expect(choices[0]!.text).toBe(golden.text);
    });
  },
);
