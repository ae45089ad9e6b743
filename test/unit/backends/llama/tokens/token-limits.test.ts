import { describe, expect, it } from "vitest";
import { assertTokensInVocabulary, resolveMaxTokens } from "../../../../../src/backends/llama/tokens/token-limits.ts";

const question = {
  promptTokens: 100,
  requested: undefined,
  fallback: 0,
  contextSize: 512,
  field: "messages",
} as const;

describe("resolveMaxTokens", () => {
  it("fills the context when neither caller nor configuration set a limit", () => {
    expect(resolveMaxTokens(question)).toBe(412);
  });

  it("takes the configured limit, cut to the context, when the caller set none", () => {
    expect(resolveMaxTokens({ ...question, fallback: 50 })).toBe(50);
    expect(resolveMaxTokens({ ...question, fallback: 5000 })).toBe(412);
  });

  it("takes what the caller asked for up to the last token of the context", () => {
    expect(resolveMaxTokens({ ...question, requested: 412 })).toBe(412);
    expect(resolveMaxTokens({ ...question, requested: 0 })).toBe(0);
    expect(resolveMaxTokens({ ...question, promptTokens: 512, requested: 0 })).toBe(0);
  });

  it("refuses more than fits with OpenAI's sentence and the real counts", () => {
    expect(() => resolveMaxTokens({ ...question, requested: 413 })).toThrow(
      "This model's maximum context length is 512 tokens. However, you requested 513 tokens " +
        "(100 in the {messages}, 413 in the completion). Please reduce the length of the {messages} or of the completion.",
    );
    expect(() => resolveMaxTokens({ ...question, promptTokens: 512 })).toThrow(
      "This model's maximum context length is 512 tokens. However, your {messages} resulted in 512 tokens.",
    );
  });
});

describe("assertTokensInVocabulary", () => {
  it("names the first id that is not the model's", () => {
    const options = { vocabularySize: 10, param: "prompt" };
    expect(() => assertTokensInVocabulary([0, 9], options)).not.toThrow();
    for (const stranger of [10, -1, 1.5, Number.NaN]) {
      expect(() => assertTokensInVocabulary([0, stranger], options)).toThrow(
        expect.objectContaining({ param: "prompt[1]" }),
      );
    }
  });
});
