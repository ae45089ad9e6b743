import { describe, expect, it } from "vitest";
import { applyGuidance, guidanceEmbedding } from "../../../../../src/backends/diffusion/unet/guidance.ts";
import { TorchGenerator } from "../../../../../src/backends/diffusion/noise/torch-random.ts";

describe("applyGuidance", () => {
  it("moves from the unconditional prediction past the conditional one", () => {
    const out = applyGuidance(Float32Array.of(1, 2, -1), {
      conditional: Float32Array.of(2, 2, 1),
      scale: 3,
      rescale: 0,
    });
    expect([...out]).toEqual([4, 2, 5]);
  });

  it("works in place", () => {
    const unconditional = Float32Array.of(1, 2);
    expect(applyGuidance(unconditional, { conditional: Float32Array.of(3, 4), scale: 2, rescale: 0.5 })).toBe(
      unconditional,
    );
  });

  it("rescaled fully has the spread of the conditional prediction", () => {
    const random = new TorchGenerator(3);
    const conditional = random.randn(4096);
    const out = applyGuidance(random.randn(4096), { conditional, scale: 7.5, rescale: 1 });
    expect(spreadOf(out)).toBeCloseTo(spreadOf(conditional), 4);
  });

  it("rescaled by a share lies between (rescale_noise_cfg: share * rescaled + (1 - share) * plain)", () => {
    const random = new TorchGenerator(4);
    const [conditional, unconditional] = [random.randn(256), random.randn(256)];
    const of = (rescale: number) => applyGuidance(unconditional.slice(), { conditional, scale: 5, rescale });
    const [plain, full, part] = [of(0), of(1), of(0.7)];
    for (let i = 0; i < 256; i++) expect(part[i]).toBeCloseTo(0.7 * full[i]! + 0.3 * plain[i]!, 4);
  });
});

describe("guidanceEmbedding", () => {
  // get_guidance_scale_embedding(w = scale - 1): 1000 w times 10000^(-i / (half - 1)), sines then cosines.
  it("is sines, then cosines, from the guidance itself to a ten thousandth of it", () => {
    const values = guidanceEmbedding(1.01, 6);
    const expected = [10, 10 / 100, 10 / 10_000];
    for (const [i, angle] of expected.entries()) {
      expect(values[i]).toBeCloseTo(Math.sin(angle), 5);
      expect(values[i + 3]).toBeCloseTo(Math.cos(angle), 5);
    }
  });

  it("fills an odd width with a zero", () => {
    expect(guidanceEmbedding(3, 7).length).toBe(7);
    expect(guidanceEmbedding(3, 7)[6]).toBe(0);
  });
});

function spreadOf(values: Float32Array): number {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  return Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length);
}
