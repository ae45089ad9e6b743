// The kinds of value that a configuration key can hold. Each carries one sentence saying what it must be, so that every
// mistake reads the same whether it came from the file, a variable or a flag.
import { z } from "zod";

const durationUnits = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;
const sizeUnits = {
  b: 1,
  kb: 1e3,
  mb: 1e6,
  gb: 1e9,
  tb: 1e12,
  kib: 2 ** 10,
  mib: 2 ** 20,
  gib: 2 ** 30,
  tib: 2 ** 40,
} as const;

const durationPattern = /^(\d+(?:\.\d+)?)\s*(ms|s|m|h|d)?$/;
const autoOrDurationPattern = /^(auto|\d+(\.\d+)?\s*(ms|s|m|h|d)?)$/;
const sizePattern = /^(\d+(?:\.\d+)?)\s*([kKmMgGtT]?[iI]?[bB])?$/;
const budgetPattern = /^(auto|\d+(\.\d+)?\s*%|\d+(\.\d+)?\s*([kKmMgGtT]?[iI]?[bB])?)$/;

/** Milliseconds of a text such as `30s`, `5m` or `1.5h`; a bare number is seconds. `null` when it is no duration. */
export function parseDurationMs(text: string): number | null {
  const match = durationPattern.exec(text.trim());
  if (match === null) return null;
  const unit = (match[2] ?? "s") as keyof typeof durationUnits;
  return Math.round(Number(match[1]) * durationUnits[unit]);
}

/** Bytes of a text such as `25MB` (10^6) or `2GiB` (2^30); a bare number is bytes. `null` when it is no size. */
export function parseSizeBytes(text: string): number | null {
  const match = sizePattern.exec(text.trim());
  if (match === null) return null;
  const factor = sizeUnits[(match[2] ?? "b").toLowerCase() as keyof typeof sizeUnits];
  return factor === undefined ? null : Math.round(Number(match[1]) * factor);
}

/** A duration in the file, milliseconds after parsing. */
export function duration() {
  const error = "must be a duration such as 30s, 5m or 1h (a bare number is seconds)";
  return z
    .union([z.string().regex(durationPattern, { error }), z.number({ error }).min(0, { error })], { error })
    .transform((value) => parseDurationMs(String(value)) ?? 0);
}

/** As {@link duration}, or `auto`. */
export function durationOrAuto() {
  const error = "must be auto, or a duration such as 40ms or 1s (a bare number is seconds)";
  return z
    .union([z.string().regex(autoOrDurationPattern, { error }), z.number({ error }).min(0, { error })], { error })
    .transform((value) => (value === "auto" ? ("auto" as const) : (parseDurationMs(String(value)) ?? 0)));
}

/** A size in the file, bytes after parsing. */
export function size() {
  const error = "must be a size such as 25MB or 2GiB (a bare number is bytes)";
  return z
    .union([z.string().regex(sizePattern, { error }), z.number({ error }).min(0, { error })], { error })
    .transform((value) => parseSizeBytes(String(value)) ?? 0);
}

/** How much memory: bytes, or a share of the machine's, or `auto`. */
export type MemoryAmount =
  | { readonly unit: "bytes"; readonly bytes: number }
  | { readonly unit: "share"; readonly share: number };

/** `auto`, a percentage of the machine's memory, or a size. `auto` is 80 %. */
export function memoryAmount() {
  const error = "must be auto, a share such as 60%, or a size such as 12GiB";
  return z
    .union([z.string().regex(budgetPattern, { error }), z.number({ error }).min(0, { error })], { error })
    .transform((value): MemoryAmount => {
      const text = String(value).trim();
      if (text === "auto") return { unit: "share", share: 0.8 };
      if (text.endsWith("%")) return { unit: "share", share: Number(text.slice(0, -1)) / 100 };
      return { unit: "bytes", bytes: parseSizeBytes(text) ?? 0 };
    });
}

/** A whole number between two bounds, both allowed. */
export function integer(minimum: number, maximum?: number) {
  const range = maximum === undefined ? `of at least ${minimum}` : `from ${minimum} to ${maximum}`;
  const error = `must be a whole number ${range}`;
  const upper = maximum === undefined ? [] : [z.lte(maximum, { error })];
  // All checks in one call: each call clones the schema, which would delay the start.
  return z.number({ error }).check(z.int({ error }), z.gte(minimum, { error }), ...upper);
}

/** A number between two bounds, both allowed. */
export function decimal(minimum: number, maximum: number) {
  const error = `must be a number from ${minimum} to ${maximum}`;
  return z.number({ error }).check(z.gte(minimum, { error }), z.lte(maximum, { error }));
}

export function text() {
  const error = "must be text of at least one character";
  return z.string({ error }).min(1, { error });
}

/** Text that may be empty, such as a prefix. */
export function anyText() {
  return z.string({ error: "must be text" });
}

export function toggle() {
  return z.boolean({ error: "must be true or false" });
}

export function oneOf<const T extends readonly [string, ...string[]]>(values: T) {
  return z.enum(values, { error: `must be one of ${values.join(", ")}` });
}

export function listOfText() {
  const error = "must be a list of texts";
  return z.array(text(), { error });
}

/** `auto` (also written as a list of that one word), or a list of texts. A list after parsing. */
export function autoOrList() {
  const error = "must be auto, or a list of texts without auto";
  const list = z.array(text(), { error }).refine((value) => value.length === 1 || !value.includes("auto"), { error });
  return z.union([z.literal("auto"), list], { error }).transform((value) => (value === "auto" ? ["auto"] : value));
}
