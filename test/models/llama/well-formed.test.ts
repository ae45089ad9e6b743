// Under a grammar no answer has bytes that are no UTF-8, whatever a model that writes single bytes would like to say.
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createLlamaBackend } from "../../../src/backends/llama/backend.ts";
import type { Backend } from "../../../src/domain/backend.ts";
import { complete, testContext, textSpec } from "../../support/llama.ts";
import { storyToken, storyModel } from "../../support/story-model.ts";

const path = storyModel;
const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

describe("an answer under a grammar", () => {
  let backend: Backend;
  beforeAll(async () => {
    backend = await createLlamaBackend(textSpec(path, { parallel: 4 }), testContext());
  });
  afterAll(async () => {
    await backend.dispose();
  });

  /** Ids of the byte tokens. */
  const token = (byte: number): number => storyToken.eos + 1 + byte;

  it.each([
    ["leading bytes", [0xe0, 0xed, 0xf0, 0xf4]],
    ["bytes that no text has", [0xc0, 0xc1, 0xf5, 0xff]],
    ["continuations", [0x80, 0x86, 0x90, 0xa0, 0xbf, 0xf0, 0xe0]],
  ])("is well-formed although the caller asks for %s", async (_, bytes) => {
    const logitBias = bytes.map((byte): [number, number] => [token(byte), 60]);
    let split = 0;
    for (let seed = 0; seed < 25; seed += 1) {
      const { choices } = await complete(backend, {
        n: 4,
        constraint: { type: "grammar", grammar: "root ::= [\\x20-\\U0010FFFF]{12}" },
        limits: { maxTokens: 64, stop: [] },
        topLogprobs: 0,
        sampling: { temperature: 2, topP: 1, minP: 0, topK: 0, seed, logitBias },
      });
      for (const { text, finish, logprobs } of choices) {
        const written = logprobs.flatMap((one) => [...one.bytes]);
        expect(finish).toBe("end-of-turn");
        expect(() => decoder.decode(Uint8Array.from(written)), Buffer.from(written).toString("hex")).not.toThrow();
        expect(text).not.toContain("\ufffd");
        expect(Array.from(text)).toHaveLength(12);
        split += logprobs.filter((one) => one.bytes.length === 1 && (one.bytes[0] ?? 0) >= 0xe0).length;
      }
    }
    // Bytes that stand alone are what this is about.
    if (bytes.includes(0xe0)) expect(split).toBeGreaterThan(50);
  });
});
