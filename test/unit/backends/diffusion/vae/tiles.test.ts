import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { layOutTiles } from "../../../../../src/backends/diffusion/vae/tiles.ts";

describe("layOutTiles", () => {
  it("is one tile of weight 1 where the side fits", () => {
    const tiles = layOutTiles(5, { tile: 8, scale: 2 });
    expect(tiles).toEqual([{ start: 0, length: 5, weights: new Float32Array(10).fill(1) }]);
  });

  it("covers every place with weights that add up to 1", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 200 }),
        fc.integer({ min: 1, max: 64 }),
        fc.integer({ min: 1, max: 8 }),
        (length, tile, scale) => {
          const total = new Float64Array(length * scale);
          for (const { start, length: size, weights } of layOutTiles(length, { tile, scale })) {
            expect(size).toBe(Math.min(tile, length));
            expect(start).toBeGreaterThanOrEqual(0);
            expect(start + size).toBeLessThanOrEqual(length);
            expect(weights.length).toBe(size * scale);
            for (const [x, weight] of weights.entries()) {
              expect(weight).toBeGreaterThan(0);
              total[start * scale + x]! += weight;
            }
          }
          for (const weight of total) expect(weight).toBeCloseTo(1, 5);
        },
      ),
      { numRuns: 60 },
    );
  });

  it("overlaps by at least a quarter of a tile", () => {
    const tiles = layOutTiles(100, { tile: 32, scale: 1 });
    for (const [i, tile] of tiles.slice(1).entries())
      expect(tiles[i]!.start + 32 - tile.start).toBeGreaterThanOrEqual(8);
  });

  it("fades from one tile to the next", () => {
    const [first, second] = layOutTiles(12, { tile: 8, scale: 1 });
    const fading = [...first!.weights].slice(second!.start);
    expect(fading).toEqual([...fading].sort((a, b) => b - a));
    expect(first!.weights[0]).toBe(1);
  });
});
