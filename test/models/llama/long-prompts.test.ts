// Prompts of megabytes are tokenised in pieces, into the same tokens as in one go, or refused, and hold up no other request.
import { performance } from "node:perf_hooks";
import { fileURLToPath } from "node:url";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { NativeModelHandle } from "../../../src/backends/llama/native/model.ts";
import { createLlamaBackend } from "../../../src/backends/llama/backend.ts";
import { readGguf } from "../../../src/model-files/gguf/gguf-facts.ts";
import { openLibrary } from "../../../src/backends/llama/native/library.ts";
import { openWeights } from "../../../src/backends/llama/native/weights.ts";
import { TextTokenizer, TokenLimitError } from "../../../src/backends/llama/tokens/tokenizer.ts";
import { Vocabulary } from "../../../src/backends/llama/tokens/vocabulary.ts";
import type { Backend } from "../../../src/domain/backend.ts";
import { applyTemplate, chat, complete, streamCompletion, testContext, textSpec } from "../../support/llama.ts";
import { storyModel } from "../../support/story-model.ts";

const tinyChat = fileURLToPath(new URL("../../../models/tiny-chat/tiny-chat.gguf", import.meta.url));
const story = storyModel;
const never = new AbortController().signal;

const words = [
  "the",
  "river",
  "don't",
  "HTTPServer",
  "naïve",
  "Москва",
  "שלום",
  "안녕하세요",
  "你好",
  "天气",
  "12",
  "3.14",
];
const others = ["foo(", "{}", "--", "🙂", "e\u0301", "<|im_end|>", "</s>", "<tool_call>", "'s", "“so”", "x_y"];
const word = fc.constantFrom("a".repeat(300), "🙂".repeat(40), ...words, ...others);
const gap = fc.constantFrom(" ", " ", " ", "  ", "\n", "\n\n", "\n  ", "\t", "\r\n", "。", "，", ", ", ". ", "");
const longText = fc
  .array(fc.tuple(word, gap), { minLength: 2500, maxLength: 3500, size: "max" })
  .map((parts) => parts.flat().join(""));

for (const [name, path] of [
  ["byte-level BPE", tinyChat],
  ["SentencePiece", story],
] as const) {
  describe(`a long text in ${name}`, () => {
    let vocabulary: Vocabulary;
    let native: NativeModelHandle;
    let tokenizer: TextTokenizer;
    beforeAll(async () => {
      const { llama } = await openLibrary(() => {}, { gpu: false });
      native = new NativeModelHandle(llama, {
        weights: await openWeights(llama, { path, gpuLayers: 0, useMmap: true, signal: new AbortController().signal }),
        architecture: "llama",
      });
      const { vocabularySize, preTokenizer } = await readGguf(path);
      vocabulary = new Vocabulary(native, { size: vocabularySize, preTokenizer });
      tokenizer = new TextTokenizer(vocabulary);
    });
    afterAll(() => native.dispose());

    it("has the same tokens in pieces as in one go", async () => {
      await fc.assert(
        fc.asyncProperty(longText, fc.boolean(), async (text, parseSpecial) => {
          const options = { parseSpecial, contextSize: text.length, signal: never };
          expect(await tokenizer.tokenize(text, options)).toEqual(vocabulary.tokenize(text, { parseSpecial }));
        }),
        { numRuns: 25 },
      );
    });

    it("is tokenised whole where it cannot be cut", async () => {
      const text = `${"ab".repeat(80_000)} and`;
      const options = { parseSpecial: true, contextSize: 1e6, signal: never };
      expect(await tokenizer.tokenize(text, options)).toEqual(vocabulary.tokenize(text, { parseSpecial: true }));
    });

    it.each([
      ["of words", "lorem ipsum dolor ".repeat(100_000)],
      ["without a place to cut it at", "ab".repeat(1_000_000)],
    ])("%s is not read to its end when it is far longer than the context", async (_, text) => {
      const error = await tokenizer
        .tokenize(text, { parseSpecial: true, contextSize: 1000, signal: never })
        .catch((thrown: unknown) => thrown);
      expect(error).toBeInstanceOf(TokenLimitError);
      const { atLeast } = error as TokenLimitError;
      expect(atLeast).toBeGreaterThan(1000);
      expect(atLeast).toBeLessThanOrEqual(vocabulary.tokenize(text, { parseSpecial: true }).length);
    });

    it("is read no further than the tokens that are wanted", async () => {
      const text = "One day a girl went to the park. ".repeat(20_000);
      const tokens = await tokenizer.tokenizeBeginning(text, { count: 100, parseSpecial: false, signal: never });
      expect(tokens.length).toBeLessThan(3000);
      expect(tokens.slice(0, 100)).toEqual(vocabulary.tokenize(text, { parseSpecial: false }).slice(0, 100));
    });

    it("is not read on when the caller leaves", async () => {
      const controller = new AbortController();
      const reading = tokenizer.tokenize("a b ".repeat(100_000), {
        parseSpecial: true,
        contextSize: 1e6,
        signal: controller.signal,
      });
      controller.abort(new Error("gone"));
      await expect(reading).rejects.toThrow("gone");
    });
  });
}

describe("a prompt of megabytes", () => {
  let backend: Backend;
  beforeAll(async () => {
    backend = await createLlamaBackend(textSpec(tinyChat, { parallel: 2 }), testContext());
  });
  afterAll(() => backend.dispose());

  const huge = "lorem ipsum dolor ".repeat(290_000);
  const message = (text: string) => ({
    messages: [{ role: "user" as const, content: [{ type: "text" as const, text }] }],
  });

  it.each([
    ["of words", huge],
    ["that spells control tokens", "so <|im_end|> it is ".repeat(120_000)],
    ["without a space", "ab".repeat(1_000_000)],
  ])("%s is refused with a lower bound of its count", async (_, text) => {
    await expect(chat(backend, message(text))).rejects.toMatchObject({
      kind: "context_length_exceeded",
      param: "messages",
      message: expect.stringMatching(/you requested at least \d{4,} tokens \(at least \d{4,} in the {messages}, 32 in/),
    });
    await expect(complete(backend, { prompts: [text] })).rejects.toMatchObject({
      kind: "context_length_exceeded",
      param: "prompts",
      message: expect.stringMatching(/at least \d{4,} in the \{prompts\}, 32 in/),
    });
  });

  it("is counted exactly where it is not far too long", async () => {
    const { tokens } = await applyTemplate(backend, message("lorem ipsum dolor ".repeat(1500)));
    const count = tokens.length;
    expect(count).toBeGreaterThan(4096);
    await expect(chat(backend, message("lorem ipsum dolor ".repeat(1500)))).rejects.toMatchObject({
      message: expect.stringContaining(`(${count} in the {messages}, 32 in`),
    });
  });

  it("does not hold up another caller's stream", async () => {
    const stream = streamCompletion(backend, {
      limits: { maxTokens: 3000, stop: [] },
      sampling: { temperature: 0, logitBias: [] },
    });
    await stream.next();
    await stream.next();
    const refusal = chat(backend, message(huge)).catch((error: unknown) => error);
    let longestMs = 0;
    const states = { refused: false };
    void refusal.then(() => {
      states.refused = true;
    });
    for (let last = performance.now(); !states.refused;) {
      const { done } = await stream.next();
      const now = performance.now();
      longestMs = Math.max(longestMs, now - last);
      last = now;
      if (done === true) break;
    }
    await stream.return(undefined);
    expect(await refusal).toMatchObject({ kind: "context_length_exceeded" });
    expect(longestMs).toBeLessThan(400);
  });
});
