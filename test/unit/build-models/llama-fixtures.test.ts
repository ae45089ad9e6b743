// Llama files in every format the writer knows, loaded by node-llama-cpp.

import { join } from "node:path";
import { getLlama, LlamaLogLevel, type Token } from "node-llama-cpp";
import { describe, expect, it } from "vitest";

import { writeLlamaFixture } from "../../../scripts/build-models/fixtures.ts";
import { temporaryFolder } from "../../support/temporary-folder.ts";

const folder = temporaryFolder("build-models");
const shape = { layers: 2, width: 256, heads: 4, keyValueHeads: 2, feedForward: 512, context: 256 };

describe("llama fixtures", () => {
  it.each(["f32", "f16", "bf16", "q8_0", "q4_0", "q4_K"] as const)("in %s load and answer greedily", async (type) => {
    const path = join(folder, `${type}.gguf`);
    writeLlamaFixture(path, { shape, type, vocabulary: 640 });
    const llama = await getLlama({ gpu: false, build: "never", logLevel: LlamaLogLevel.warn });
    try {
      const model = await llama.loadModel({ modelPath: path });
      expect(model.trainContextSize).toBe(256);
      const context = await model.createContext({ contextSize: 64, threads: 1 });
      const tokens: Token[] = [];
      for await (const token of context.getSequence().evaluate(model.tokenize("Hello"), { temperature: 0 })) {
        tokens.push(token);
        if (tokens.length === 8) break;
      }
      expect(tokens.length).toBeGreaterThan(0);
      expect(Math.max(...tokens)).toBeLessThan(640);
    } finally {
      await llama.dispose();
    }
  });

  it("writes rows that do not divide into super-blocks at the same size", () => {
    const path = join(folder, "narrow.gguf");
    expect(() => writeLlamaFixture(path, { shape: { ...shape, width: 192 }, type: "q4_K" })).not.toThrow();
  });
});
