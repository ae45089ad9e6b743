// Real weights against llama-server: greedy text with log-probabilities, a context that is full, token ids, rendered conversations.
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { brimPrompt, brimText, realConversations, realModels } from "../../scripts/goldens/real-models.ts";
import type { KeptAnswer } from "../../scripts/goldens/questions.ts";
import type { Backend } from "../../src/domain/backend.ts";
import type { TokenLogprob } from "../../src/domain/text.ts";
import { chatRequest, type WireMessage } from "../support/chat-request.ts";
import { applyTemplate, complete } from "../support/llama.ts";
import { openRealModel, readReference, type Reference, referenceName, referenceOf } from "../support/real-weights.ts";
import { openVocabulary, type OpenVocabulary } from "../support/vocabulary.ts";
import { realModelPath } from "../../scripts/goldens/real-models.ts";

for (const model of realModels) {
  const need = referenceOf(model);
  describe.skipIf(!need.isMet)(`${model.name} against ${referenceName}${need.note}`, { timeout: 900_000 }, () => {
    let reference: Reference;
    let backend: Backend;
    let words: OpenVocabulary;
    beforeAll(async () => {
      reference = await readReference(model);
      backend = await openRealModel(model, { contextSize: model.context });
      words = await openVocabulary(realModelPath(model));
    }, 900_000);
    afterAll(async () => {
      await backend.dispose();
      await words.dispose();
    });

    /** Tokens that are the same, up to a tie that the tolerance leaves open. */
    function expectSame(own: readonly TokenLogprob[], { tokens }: KeptAnswer): number {
      const { tolerance } = reference;
      for (const [index, { id, logprob, top }] of tokens.entries()) {
        const [first, second] = top;
        if (own[index]?.id !== id) {
          expect(first![1] - second![1], `token ${index} is no near tie`).toBeLessThan(2 * tolerance);
          expect(own[index]?.id).toBe(second![0]);
          return index;
        }
        expect(Math.abs(own[index].logprob! - logprob), `token ${index}`).toBeLessThan(tolerance);
        for (const [place, [, likely]] of top.entries()) {
          expect(Math.abs(own[index].top[place]!.logprob! - likely), `token ${index}`).toBeLessThan(tolerance);
        }
      }
      return tokens.length;
    }

    it.each(Object.entries(model.prompts))("continues alike: %s", async (name, prompt) => {
      const expected = reference.answers.greedy[name]!;
      const { choices, usage } = await complete(backend, {
        prompts: [prompt],
        topLogprobs: 5,
        limits: { maxTokens: expected.tokens.length, stop: [] },
      });
      expect(usage.promptTokens).toBe(expected.promptLength);
      const same = expectSame(choices[0]!.logprobs, expected);
      if (same === expected.tokens.length) expect(choices[0]!.text).toBe(expected.text);
    });

    it("has the same token ids, and gives the texts back", () => {
      for (const { text, plain, special } of reference.answers.texts) {
        expect([...words.vocabulary.tokenize(text, { parseSpecial: false })]).toEqual(plain);
        expect([...words.vocabulary.tokenize(text, { parseSpecial: true })]).toEqual(special);
        const bytes = plain.flatMap((id) => [...words.vocabulary.piece(id).bytes]);
        expect(Buffer.from(bytes).toString("utf8")).toBe(text);
      }
    });

    it.skipIf(!model.chats)("renders conversations alike", async () => {
      const { rendered } = reference.answers;
      expect(Object.keys(rendered).length).toBeGreaterThan(2);
      for (const [name, prompt] of Object.entries(rendered)) {
        const { messages } = realConversations[name] as { messages: readonly WireMessage[] };
        expect((await applyTemplate(backend, chatRequest({ messages }))).prompt).toBe(prompt);
      }
    });

    it("fills its context to the last token, and refuses one more", async () => {
      const { brim } = reference.answers;
      const prompt = brimPrompt(words.vocabulary.tokenize(brimText, { parseSpecial: false }), model);
      const rest = model.context - prompt.length;
      const { choices, usage } = await complete(backend, {
        prompts: [prompt],
        topLogprobs: 5,
        limits: { stop: [] },
      });
      expect(usage.promptTokens).toBe(prompt.length);
      expect(usage.completionTokens).toBe(rest);
      expect(choices[0]!.finish).toBe("length");
      if (brim !== undefined) expectSame(choices[0]!.logprobs, brim);
      const more = { prompts: [[...prompt, ...prompt.slice(0, rest)]], limits: { stop: [] } };
      await expect(complete(backend, more)).rejects.toMatchObject({ kind: "context_length_exceeded" });
    });
  });
}
