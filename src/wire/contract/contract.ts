// What makes an endpoint's request valid: its schema, its table of fields, and its rules over several fields.
import type { z } from "zod";
import { ServerError } from "../../domain/errors.ts";
import type { LazySchema } from "./common.ts";
import type { FieldTable } from "./field-table.ts";

/** Limits that the server's configuration may draw tighter than OpenAI's document. */
export interface RequestLimits {
  /** Largest `n` (and `best_of`). @default 128 (images: 10) */
  readonly maxChoices?: number;
}

export interface RequestContract<T> {
  readonly schema: LazySchema<z.ZodType<T>>;
  readonly fields: FieldTable;
  /** Rules that a schema of single fields cannot say. Throws `ServerError`. */
  readonly check?: (request: T, limits: RequestLimits) => void;
}

export function invalidValue(param: string, message: string): ServerError {
  return new ServerError("invalid_value", { message, param });
}

export function unsupportedValue(param: string, message: string): ServerError {
  return new ServerError("unsupported_value", { message, param });
}

export function unsupportedParameter(param: string, reason: string): ServerError {
  return new ServerError("unsupported_parameter", { message: `Unsupported parameter: '${param}'. ${reason}`, param });
}

/** Refuses an `n` over the configured limit in the words that the schema uses for OpenAI's own. */
export function checkChoices(n: number, limits: RequestLimits): void {
  if (limits.maxChoices !== undefined && n > limits.maxChoices) {
    throw invalidValue(
      "n",
      `Invalid 'n': integer above maximum value. Expected a value <= ${limits.maxChoices}, but got ${n} instead.`,
    );
  }
}
