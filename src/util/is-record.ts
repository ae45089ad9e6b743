// Whether a value of unknown origin has named fields.

/** True for objects that are no arrays and not `null`. */
export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
