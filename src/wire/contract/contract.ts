// The contract of an endpoint's request, by which it is valid: a schema, a table of fields, and rules over several fields.
import type { z } from "zod";
import { ServerError } from "../../domain/errors.ts";
import type { LazySchema } from "./common.ts";
import type { FieldTable } from "./field-table.ts";

export interface RequestContract<T> {
  readonly schema: LazySchema<z.ZodType<T>>;
  readonly fields: FieldTable;
  /** Rules that a schema of single fields cannot say. Throws `ServerError`. */
  readonly check?: (request: T) => void;
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
