// Validates a request body in three steps: refused fields, schema, rules. A fault is thrown as a `ServerError` in the words that OpenAI's
// API uses, whatever the dialect.
import type { z } from "zod";
import { ServerError } from "../../domain/errors.ts";
import { isRecord } from "../../util/is-record.ts";
import { describeJsonType } from "./common.ts";
import type { RequestContract } from "./contract.ts";
import { unsupportedParameter } from "./contract.ts";
import { toServerError } from "./validation-error.ts";

// zod's own `validate` sets abortEarly: a list of a million wrong elements must cost one issue, not a million.
// reportInput keeps the offending value inside union issues, so that a message can say what it was.
const parseContext: z.core.ParseContextInternal<z.core.$ZodIssue> = {
  async: false,
  abortEarly: true,
  reportInput: true,
};

/**
 * Returns the validated request. Unknown fields are gone; explicit nulls remain and mean absent; free-form values are untouched.
 * Throws only `ServerError`, with `param` in OpenAI's path style.
 */
export function parseRequest<T>(contract: RequestContract<T>, body: unknown): T {
  if (!isRecord(body)) {
    throw new ServerError(
      "invalid_type",
      `Invalid type for the request body: expected an object, but got ${describeJsonType(body)} instead.`,
    );
  }
  refuseUnsupported(contract, body);
  const parsed = contract.schema()._zod.run({ value: body, issues: [] }, parseContext);
  // No schema here is asynchronous; zod's type cannot know.
  if (parsed instanceof Promise) throw new TypeError("A wire schema must not be asynchronous.");
  const [issue] = parsed.issues;
  if (issue !== undefined) throw toServerError(issue);
  const request = parsed.value as T;
  contract.check?.(request);
  return request;
}

const refusedNames = new WeakMap<object, readonly (readonly [name: string, reason: string])[]>();

function refuseUnsupported<T>(contract: RequestContract<T>, body: Record<string, unknown>): void {
  let refused = refusedNames.get(contract);
  if (refused === undefined) {
    refused = Object.entries(contract.fields).flatMap(([name, field]) =>
      field.handling === "refused" ? [[name, field.reason] as const] : [],
    );
    refusedNames.set(contract, refused);
  }
  for (const [name, reason] of refused) {
    if (Object.hasOwn(body, name) && body[name] !== null && body[name] !== undefined) {
      throw unsupportedParameter(name, reason);
    }
  }
}
