import { describe, expect, it } from "vitest";
import { pairedRatio, percentiles, summarise } from "../../../src/bench/statistics.ts";

describe("summarise", () => {
  it("gives the median, the spread and the samples in order", () => {
    expect(summarise([4, 1, 3, 2, 10])).toEqual({
      median: 3,
      min: 1,
      max: 10,
      lowerQuartile: 2,
      upperQuartile: 4,
      samples: [4, 1, 3, 2, 10],
    });
  });

  it("gives nothing without samples", () => {
    expect(summarise([])).toBeNull();
    expect(percentiles("latency", [])).toEqual({});
  });
});

describe("percentiles", () => {
  it("names them after their prefix, interpolated between neighbours", () => {
    const values = Array.from({ length: 1000 }, (_, index) => index + 1);
    expect(percentiles("gap", values)).toEqual({ gap_p50: 500.5, gap_p95: 950.05, gap_p99: 990.01 });
  });
});

describe("pairedRatio", () => {
  it("pairs the rounds, so that a machine that slows down for both changes nothing", () => {
    const b = [100, 50, 10, 200, 80];
    const ratio = pairedRatio(
      b.map((value) => value * 1.25),
      b,
    );
    expect(ratio).toEqual({ median: 1.25, low: 1.25, high: 1.25 });
  });

  it("has an interval that holds the median and lies within the rounds' own ratios", () => {
    const ratio = pairedRatio([9, 10, 11, 12, 10, 9.5], [10, 10, 10, 10, 10, 10]);
    expect(ratio?.median).toBe(1);
    expect(ratio?.low).toBeGreaterThanOrEqual(0.9);
    expect(ratio?.low).toBeLessThan(1);
    expect(ratio?.high).toBeGreaterThan(1);
    expect(ratio?.high).toBeLessThanOrEqual(1.2);
  });

  it("is the same for the same numbers, and leaves out rounds in which one side has none", () => {
    const a = [1, 2, Number.NaN, 4, 7];
    const b = [2, 2, 2, Number.NaN, 8];
    expect(pairedRatio(a, b)).toEqual(pairedRatio(a, b));
    expect(pairedRatio(a, b)?.median).toBe(0.875);
    expect(pairedRatio([Number.NaN], [1])).toBeNull();
  });

  it("covers a true ratio of 1 about 95 times in 100", () => {
    // Noise of both sides from one seeded generator; eleven rounds each.
    let state = 7;
    const next = (): number => (state = (state * 48_271) % 2_147_483_647) / 2_147_483_647;
    const noisy = (): number[] => Array.from({ length: 11 }, () => 100 * (1 + (next() + next() + next() - 1.5) / 5));
    const covered = Array.from({ length: 200 }, () => pairedRatio(noisy(), noisy())).filter(
      (ratio) => ratio !== null && ratio.low <= 1 && ratio.high >= 1,
    );
    expect(covered.length).toBeGreaterThan(175);
  });
});
