import { describe, expect, it } from "vitest";
import { commonOpenAiNames, purposeOfOpenAiName } from "../../../src/config/openai-names.ts";

describe("the purpose of an OpenAI model's name", () => {
  it.each([
    ["text", ["gpt-4o-2024-08-06", "gpt-5.1-codex", "gpt-3.5-turbo-0125", "o1", "o3-mini", "o4-mini-2025-04-16"]],
    ["text", ["chatgpt-4o-latest", "codex-mini-latest", "babbage-002", "ft:gpt-4o-mini:acme::abc"]],
    ["embedding", ["text-embedding-3-small", "text-embedding-ada-002"]],
    ["image", ["dall-e-3", "gpt-image-1", "gpt-image-1-mini", "chatgpt-image-latest"]],
  ] as const)("is %s for %j", (purpose, names) => {
    for (const name of names) expect(purposeOfOpenAiName(name)).toBe(purpose);
  });

  it("is none for the names of others", () => {
    const others = [
      "llama-3",
      "o",
      "ollama",
      "gpt2-xl",
      "gptq",
      "my-gpt-4o",
      "text-embedding",
      "o3000x",
      "gpt-99",
      "gpt-40",
      "gpt-oss-20b",
      "o2",
      "claude-opus-4",
    ];
    for (const name of others) expect(purposeOfOpenAiName(name)).toBeUndefined();
  });

  it("is that of the list for every name that is listed", () => {
    for (const [purpose, names] of Object.entries(commonOpenAiNames)) {
      for (const name of names) expect(purposeOfOpenAiName(name)).toBe(purpose);
    }
  });
});
