// What is banned and forced beside a request's own settings: bans of ill-formed UTF-8 belong to grammars alone.
import { describe, expect, it } from "vitest";
import { withGrammar } from "../../../../../src/backends/llama/engine/batch-parts.ts";
import type { ActiveGrammar } from "../../../../../src/backends/llama/engine/sequence.ts";
import type { NativeGrammarState, NativeSamplerConfig } from "../../../../../src/backends/llama/native/binding.ts";

const state = {} as NativeGrammarState;
const illFormed = [7, 8];
const settings: NativeSamplerConfig = { temperature: 0, seed: 1 };

function biasesOf(grammar: ActiveGrammar | undefined, config = settings): [number, number][] {
  const { tokenBiasKeys = new Uint32Array(), tokenBiasValues } = withGrammar(config, { grammar, illFormed });
  return Array.from(tokenBiasKeys, (token, index) => [token, tokenBiasValues?.[index] ?? 0]);
}

describe("the settings under what constrains an answer", () => {
  it("are the request's own where nothing does", () => {
    expect(biasesOf(undefined)).toEqual([]);
  });

  it("ban ill-formed tokens under a grammar, and not in free text", () => {
    expect(biasesOf({ state, banned: [3] })).toEqual([
      [3, -Infinity],
      [7, -Infinity],
      [8, -Infinity],
    ]);
    expect(biasesOf({ banned: [3] })).toEqual([[3, -Infinity]]);
  });

  it("make the caller's bans a last resort under a grammar, and leave them as they are in free text", () => {
    const config = {
      ...settings,
      tokenBiasKeys: Uint32Array.of(3, 5),
      tokenBiasValues: Float32Array.of(-Infinity, -50),
    };
    const [[, resort], ...others] = biasesOf({ state, banned: [] }, config) as [[number, number]];
    expect(resort).toBeLessThan(-1000);
    expect(resort).toBeGreaterThan(-Infinity);
    expect(others.slice(0, 1)).toEqual([[5, -50]]);
    expect(biasesOf({ banned: [] }, config)).toEqual([
      [3, -Infinity],
      [5, -50],
    ]);
  });

  it("override the caller's biases, and force a token in spite of its ban", () => {
    const config = { ...settings, tokenBiasKeys: Uint32Array.of(3, 5), tokenBiasValues: Float32Array.of(1, 2) };
    const biases = biasesOf({ state, banned: [3], forced: 7 }, config);
    expect(biases.filter(([token]) => token !== 7)).toEqual([
      [3, -Infinity],
      [5, 2],
      [8, -Infinity],
    ]);
    expect(biases.find(([token]) => token === 7)?.[1]).toBeGreaterThan(1e6);
  });
});
