import { describe, expect, it } from "vitest";
import { hasMatrixTiles } from "../../../../../src/backends/llama/native/matrix-tiles.ts";

describe("matrix tiles", () => {
  it.each([
    ["a processor that has them", "model name\t: Xeon\nflags\t\t: fpu avx512f amx_bf16 amx_tile amx_int8\n", true],
    ["one that has not", "model name\t: Core\nflags\t\t: fpu sse4_2 avx2\n", false],
    ["one that only has the name of them", "model name\t: amx_int8\nflags\t\t: fpu\n", false],
    ["a system that tells nothing", "", false],
  ])("are told of %s", (_, processors, expected) => {
    expect(hasMatrixTiles(() => processors)).toBe(expected);
  });
});
