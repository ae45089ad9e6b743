// Models whose state cannot be cut, since they slide a window over it or keep one running state: a prompt that comes again, and the next
// turn of a conversation, reuse what was evaluated, and the answers are those of a model that was just loaded.
import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { createLlamaBackend } from "../../../src/backends/llama/backend.ts";
import type { Backend } from "../../../src/domain/backend.ts";
import { complete, testContext, textSpec } from "../../support/llama.ts";
import { requirement } from "../../support/skips/requires.ts";

const fixtures = resolve(import.meta.dirname, "../../fixtures/text");
const realModels = process.env["HEARTH_REAL_MODELS"] ?? "";

const models = [
  ["a sliding window", join(fixtures, "gemma3/gemma3-f16.gguf"), "test/fixtures/text/gemma3"],
  ["a hybrid model", join(fixtures, "lfm2/lfm2-f16.gguf"), "test/fixtures/text/lfm2"],
  ["Gemma 3 270M", join(realModels, "gemma-3-270m-q4_k_m.gguf"), "HEARTH_REAL_MODELS with gemma-3-270m-q4_k_m.gguf"],
] as const;
const present = models.map(([name, path, what]) => ({ name, path, need: requirement(existsSync(path), what) }));

for (const { name, path, need } of present)
  describe.skipIf(!need.isMet)(`checkpoints of ${name}${need.note}`, () => {
    const backends: Backend[] = [];
    afterEach(async () => {
      await Promise.all(backends.splice(0).map((backend) => backend.dispose()));
    });

    async function load(): Promise<Backend> {
      const backend = await createLlamaBackend(
        textSpec(path, { parallel: 1, contextSize: 2048, batchSize: 128, flashAttention: false }),
        testContext(),
      );
      backends.push(backend);
      return backend;
    }

    const tokens = (count: number, step: number): number[] =>
      Array.from({ length: count }, (_, index) => 20 + ((index * step) % 200));
    const prompt = tokens(700, 37);

    async function ask(backend: Backend, { of, answer = 4 }: { of: readonly number[]; answer?: number }) {
      const limits = { maxTokens: answer, stop: [] };
      const { choices, usage } = await complete(backend, { prompts: [of], limits, topLogprobs: 1 });
      return { text: choices[0]!.text, logprobs: choices[0]!.logprobs.map(({ logprob }) => logprob), usage };
    }

    function expectSame(answer: Awaited<ReturnType<typeof ask>>, expected: Awaited<ReturnType<typeof ask>>): void {
      expect(answer.text).toBe(expected.text);
      for (const [index, logprob] of expected.logprobs.entries())
        expect(answer.logprobs[index]).toBeCloseTo(logprob!, 2);
    }

    it("answer a prompt again without evaluating it, however long the answer before was", async () => {
      const fresh = await ask(await load(), { of: prompt });
      const backend = await load();
      await ask(backend, { of: prompt, answer: 900 });
      const again = await ask(backend, { of: prompt });
      expect(again.usage.cachedTokens).toBe(prompt.length - 4);
      expectSame(again, fresh);
    });

    it("answer a next turn that writes the last answer differently", async () => {
      const next = [...prompt, ...tokens(150, 11)];
      const fresh = await ask(await load(), { of: next });
      const backend = await load();
      await ask(backend, { of: prompt, answer: 900 });
      const turn = await ask(backend, { of: next });
      expect(turn.usage.cachedTokens).toBe(prompt.length - 4);
      expectSame(turn, fresh);
    });
  });
