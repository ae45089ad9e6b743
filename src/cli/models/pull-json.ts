// The events of a pull as lines of JSON, for programs. Keys are in snake_case, as everywhere outside the program.
import type { PullProgress } from "../../domain/hub/pull.ts";

export function toJsonLine(event: PullProgress): string {
  const { type, ...rest } = event;
  return JSON.stringify({ event: type.replaceAll("-", "_"), ...(toSnakeCase(rest) as object) });
}

function toSnakeCase(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(toSnakeCase);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]) => [
      key.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`),
      toSnakeCase(inner),
    ]),
  );
}
