import { describe, expect, it } from "vitest";
import { inputImageTokens, outputImageTokens } from "../../../../../src/backends/diffusion/request/usage.ts";

describe("image tokens", () => {
  // OpenAI's guide to image generation, table "Cost and latency" of gpt-image-1.
  it.each([
    [1024, 1024, [272, 1056, 4160]],
    [1024, 1536, [408, 1584, 6240]],
    [1536, 1024, [400, 1568, 6208]],
  ] as const)("of %dx%d are those of OpenAI's table", (width, height, expected) => {
    const size = { width, height };
    expect((["low", "medium", "high"] as const).map((quality) => outputImageTokens(size, quality))).toEqual(expected);
    expect(outputImageTokens(size, "auto")).toBe(expected[1]);
  });

  it("that are read count tiles of 512 of the picture at 512 on its shorter side", () => {
    expect(inputImageTokens({ width: 1024, height: 1024 })).toBe(65 + 129);
    expect(inputImageTokens({ width: 64, height: 64 })).toBe(65 + 129);
    expect(inputImageTokens({ width: 1024, height: 1536 })).toBe(65 + 2 * 129);
  });
});
