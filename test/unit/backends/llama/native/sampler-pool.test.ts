// Samplers are made once for as many as are out at the same time, since each holds memory that nobody frees in time.
import { describe, expect, it } from "vitest";
import type { NativeSamplerConfig } from "../../../../../src/backends/llama/native/binding.ts";
import { SamplerPool } from "../../../../../src/backends/llama/native/sampler-pool.ts";

class CountedSampler {
  readonly configs: NativeSamplerConfig[] = [];
  isDisposed = false;

  applyConfig(config: NativeSamplerConfig): void {
    this.configs.push(config);
  }

  dispose(): void {
    this.isDisposed = true;
  }
}

describe("a pool of samplers", () => {
  it("makes no more than are out at the same time, and ends those that it holds", () => {
    const made: CountedSampler[] = [];
    const pool = new SamplerPool(() => {
      const sampler = new CountedSampler();
      made.push(sampler);
      return sampler;
    });
    for (let round = 0; round < 10; round += 1) {
      const out = [0, 1, 2].map((seed) => pool.take({ temperature: 1, seed }));
      expect(new Set(out).size).toBe(3);
      for (const sampler of out) pool.giveBack(sampler);
    }
    expect(made).toHaveLength(3);
    pool.dispose();
    expect(made.every(({ isDisposed }) => isDisposed)).toBe(true);
  });
});
