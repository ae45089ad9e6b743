import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { previewSteps } from "../../../../src/backends/diffusion/pipeline/denoise-image.ts";

describe("previewSteps", () => {
  it.each([
    [0, 20, []],
    [1, 20, [10]],
    [2, 9, [3, 6]],
    [3, 20, [5, 10, 15]],
    [3, 2, [1]],
    [3, 1, []],
  ])("%d previews over %d steps are shown after %j", (count, steps, expected) => {
    expect(previewSteps(count, steps)).toEqual(expected);
  });

  it("are never after the last step, never twice, and as many as asked for where steps allow", () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 3 }), fc.integer({ min: 1, max: 200 }), (count, steps) => {
        const places = previewSteps(count, steps);
        expect(places).toEqual([...new Set(places)].sort((a, b) => a - b));
        for (const place of places) expect(place).toBeLessThan(steps);
        if (steps > count) expect(places.length).toBe(count);
      }),
    );
  });
});
