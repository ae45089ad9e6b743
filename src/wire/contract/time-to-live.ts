// The extension `ttl`, which every inference endpoint takes: how long the model may stay loaded after the request.
import type { z } from "zod";
import { inspected, typeProblem, valueProblem } from "./common.ts";

const durationUnitsMs: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };

const durationPattern = /^(\d{1,9}(?:\.\d{1,6})?)(ms|s|m|h)?$/;

export function timeToLive(): z.ZodType<number | string> {
  return inspected<number | string>(
    (value) => {
      if (typeof value !== "number" && typeof value !== "string") {
        return typeProblem("a number of seconds or a duration such as '10m'", value);
      }
      return Number.isNaN(ttlToMs(value))
        ? valueProblem("expected a positive number of seconds or a duration such as '90s', '10m' or '1h'.")
        : null;
    },
    {
      anyOf: [
        { type: "number", exclusiveMinimum: 0 },
        { type: "string", pattern: durationPattern.source },
      ],
      description:
        "Extension: seconds, or a duration such as 10m, for which the model stays loaded after this request.",
    },
  );
}

/** Milliseconds of a request's `ttl`; NaN for what is no positive duration. */
export function ttlToMs(ttl: number | string): number {
  if (typeof ttl === "number") return Number.isFinite(ttl) && ttl > 0 ? ttl * 1000 : Number.NaN;
  const match = durationPattern.exec(ttl);
  const amountMs = Number(match?.[1]) * (durationUnitsMs[match?.[2] ?? "s"] ?? Number.NaN);
  return amountMs > 0 ? amountMs : Number.NaN;
}
