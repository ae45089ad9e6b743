import { describe, expect, it } from "vitest";
import { hasInt8Flag } from "../../../../src/backends/embedding/processor-features.ts";

describe("hasInt8Flag", () => {
  it("finds VNNI among the flags of an x86 processor and dot products on ARM", () => {
    expect(hasInt8Flag("processor\t: 0\nflags\t\t: fpu sse2 avx512f avx512_vnni\n")).toBe(true);
    expect(hasInt8Flag("processor\t: 0\nFeatures\t: fp asimd asimddp\n")).toBe(true);
  });

  it("says no where they are missing or unknown", () => {
    expect(hasInt8Flag("flags\t\t: fpu sse2 avx2\nbugs\t: avx512_vnni\n")).toBe(false);
    expect(hasInt8Flag("")).toBe(false);
  });
});
