// Reads the texts of flags as typed values. The error of a wrong value names the flag and the values that it takes.
import type { FlagValues } from "../../config/layers.ts";
import { isRecord } from "../../util/is-record.ts";
import { nearestName } from "../../util/nearest.ts";
import { UsageError } from "./usage-error.ts";

/** The last value given, or the fallback. */
export function textFlag<T extends string | null>(flags: FlagValues, flag: string, fallback: T): string | T {
  return flags[flag]?.at(-1) ?? fallback;
}

export function isSet(flags: FlagValues, flag: string): boolean {
  return flags[flag] !== undefined;
}

/** A whole number of at least `least`. @throws UsageError */
export function integerFlag<T extends number | null>(
  flags: FlagValues,
  flag: string,
  { fallback, least }: { readonly fallback: T; readonly least: number },
): number | T {
  const written = textFlag(flags, flag, null);
  return written === null ? fallback : toInteger(written, { flag, least });
}

/** A positive number, fractions included. @throws UsageError */
export function positiveFlag(flags: FlagValues, flag: string, fallback: number): number {
  const written = textFlag(flags, flag, null);
  if (written === null) return fallback;
  const value = Number(written);
  if (Number.isFinite(value) && value > 0) return value;
  throw new UsageError(`--${flag} must be a positive number, not ${written}.`);
}

/** Whole numbers of at least 1, separated by commas, without repetition. @throws UsageError */
export function integersFlag(flags: FlagValues, flag: string, fallback: readonly number[]): readonly number[] {
  const written = textFlag(flags, flag, null);
  if (written === null) return fallback;
  return [...new Set(written.split(",").map((part) => toInteger(part.trim(), { flag, least: 1 })))];
}

/** One of the names. @throws UsageError */
export function choiceFlag<const T extends string>(
  flags: FlagValues,
  flag: string,
  { choices, fallback }: { readonly choices: readonly T[]; readonly fallback: T },
): T {
  const written = textFlag(flags, flag, null);
  return written === null ? fallback : toChoice(written, { flag, choices });
}

/** Some of the names, separated by commas. @throws UsageError */
export function choicesFlag<const T extends string>(
  flags: FlagValues,
  flag: string,
  { choices, fallback }: { readonly choices: readonly T[]; readonly fallback: readonly T[] },
): readonly T[] {
  const written = textFlag(flags, flag, null);
  if (written === null) return fallback;
  return [...new Set(written.split(",").map((part) => toChoice(part.trim(), { flag, choices })))];
}

/** A JSON object. @throws UsageError */
export function objectFlag(flags: FlagValues, flag: string): Readonly<Record<string, unknown>> {
  const written = textFlag(flags, flag, "{}");
  try {
    const value = JSON.parse(written) as unknown;
    if (isRecord(value)) return value;
  } catch {
    // The error below is also that of JSON that is no object.
  }
  throw new UsageError(`--${flag} must be a JSON object, not ${written}.`);
}

function toInteger(written: string, { flag, least }: { readonly flag: string; readonly least: number }): number {
  const value = Number(written);
  if (/^\d+$/.test(written) && Number.isSafeInteger(value) && value >= least) return value;
  throw new UsageError(`--${flag} takes whole numbers of at least ${least}, not ${JSON.stringify(written)}.`);
}

function toChoice<T extends string>(
  written: string,
  { flag, choices }: { readonly flag: string; readonly choices: readonly T[] },
): T {
  const choice = choices.find((candidate) => candidate === written);
  if (choice !== undefined) return choice;
  const nearest = nearestName(written, choices);
  const hint = nearest === null ? "" : ` Did you mean ${nearest}?`;
  throw new UsageError(`--${flag} takes ${choices.join(", ")}, not ${written}.${hint}`);
}
