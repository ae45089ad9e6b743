// Compiles a schema that must be refused, and returns what the error says.
import { jsonSchemaToGbnf } from "../../../../../../src/backends/llama/grammar/json-schema-to-gbnf.ts";
import type { JsonValue } from "../../../../../../src/backends/llama/grammar/schema/reading/json-value.ts";
import { SchemaNotEnforceableError } from "../../../../../../src/backends/llama/grammar/gbnf/grammar-error.ts";

export function refusal(schema: JsonValue): { keyword: string; path: string; reason: string } {
  try {
    jsonSchemaToGbnf(schema);
  } catch (error) {
    if (error instanceof SchemaNotEnforceableError) {
      return { keyword: error.keyword, path: error.path, reason: error.reason };
    }
    throw error;
  }
  throw new Error("the schema was not refused");
}
