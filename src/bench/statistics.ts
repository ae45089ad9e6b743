// Statistics of a few noisy measurements: median, spread, and the confidence interval of a ratio.
import { max, median, min, quantile, sampleWithReplacement } from "simple-statistics";
import { createUniform } from "./words.ts";

export interface Summary {
  readonly median: number;
  readonly min: number;
  readonly max: number;
  readonly lowerQuartile: number;
  readonly upperQuartile: number;
  /** In the order of the rounds. */
  readonly samples: readonly number[];
}

export interface Ratio {
  /** Median over the rounds of A / B within one round. */
  readonly median: number;
  /** Bounds of the 95 % interval of that median. */
  readonly low: number;
  readonly high: number;
}

const resamples = 4_000;
/** Fixed, so that one set of numbers has one interval. */
const resamplingSeed = 20_240_601;

/** `null` when there is no sample. */
export function summarise(samples: readonly number[]): Summary | null {
  if (samples.length === 0) return null;
  const values = [...samples];
  return {
    median: median(values),
    min: min(values),
    max: max(values),
    lowerQuartile: quantile(values, 0.25),
    upperQuartile: quantile(values, 0.75),
    samples: values,
  };
}

/** Percentiles by the keys `PREFIX_p50`, `PREFIX_p95` and `PREFIX_p99`; empty where there are no values. */
export function percentiles(prefix: string, values: readonly number[]): Record<string, number> {
  if (values.length === 0) return {};
  const [p50 = 0, p95 = 0, p99 = 0] = quantile([...values], [0.5, 0.95, 0.99]);
  return { [`${prefix}_p50`]: p50, [`${prefix}_p95`]: p95, [`${prefix}_p99`]: p99 };
}

/**
 * The ratio A / B of two lists of equal length, paired by round, because the two measurements of a round share the state of the machine.
 * The interval is the percentile bootstrap over rounds (Efron, "Bootstrap methods", 1979): 4,000 resamples.
 * With one round there is no interval: both bounds are the ratio. `null` when no pair is finite.
 */
export function pairedRatio(a: readonly number[], b: readonly number[]): Ratio | null {
  const ratios = a.map((value, round) => value / (b[round] ?? Number.NaN)).filter((ratio) => Number.isFinite(ratio));
  if (ratios.length === 0) return null;
  const random = createUniform(resamplingSeed);
  const medians = Array.from({ length: resamples }, () => median(sampleWithReplacement(ratios, ratios.length, random)));
  const [low = 0, high = 0] = quantile(medians, [0.025, 0.975]);
  return { median: median(ratios), low, high };
}
