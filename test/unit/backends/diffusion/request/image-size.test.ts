import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { chooseSize, sizeLike, type SizeRules } from "../../../../../src/backends/diffusion/request/image-size.ts";

const rules: SizeRules = {
  multiple: 8,
  generatedMultiple: 8,
  minSize: 64,
  maxSize: 1024,
  defaultSize: { width: 512, height: 512 },
  onlySize: undefined,
  nativeSize: 0,
};

describe("chooseSize", () => {
  it("takes the default where none is asked for", () => {
    expect(chooseSize(null, rules)).toEqual({ output: rules.defaultSize, generated: rules.defaultSize });
  });

  it("names sizes that work, and these do work", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 3000 }), fc.integer({ min: 1, max: 3000 }), (width, height) => {
        try {
          expect(chooseSize({ width, height }, rules).output).toEqual({ width, height });
        } catch (error) {
          const [, named] = /Sizes that work: (\d+x\d+)/.exec((error as Error).message)!;
          const [w, h] = named!.split("x").map(Number);
          expect(chooseSize({ width: w!, height: h! }, rules).output).toEqual({ width: w, height: h });
        }
      }),
    );
  });

  it("takes only the size for which the graph was exported", () => {
    const only = { ...rules, onlySize: { width: 512, height: 512 } };
    expect(() => chooseSize({ width: 512, height: 768 }, only)).toThrow("Sizes that work: 512x512.");
    expect(chooseSize({ width: 512, height: 512 }, only).output).toEqual({ width: 512, height: 512 });
  });

  it("generates the native area in the proportions asked for", () => {
    const native = { ...rules, nativeSize: 64 };
    expect(chooseSize({ width: 1024, height: 1024 }, native).generated).toEqual({ width: 64, height: 64 });
    expect(chooseSize({ width: 1024, height: 512 }, native).generated).toEqual({ width: 88, height: 48 });
    expect(chooseSize({ width: 64, height: 1024 }, native).generated).toEqual({ width: 16, height: 256 });
  });
});

describe("sizeLike", () => {
  it("keeps proportions, and stays within the limits", () => {
    expect(sizeLike({ width: 2000, height: 1000 }, rules)).toEqual({ width: 728, height: 360 });
    expect(sizeLike({ width: 10_000, height: 10 }, rules)).toEqual({ width: 1024, height: 64 });
  });
});
