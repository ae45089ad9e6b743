// Reads schema keywords by type. A keyword of the wrong type is refused by name: to ignore it would be not to enforce it.
import { isJsonArray, isJsonObject, ownValue, type JsonObject, type JsonValue } from "./json-value.ts";
import type { SchemaNode } from "./schema-document.ts";
import { SchemaNotEnforceableError } from "../../gbnf/grammar-error.ts";

/** Keywords that say nothing about which values are valid. */
export const ANNOTATIONS: ReadonlySet<string> = new Set([
  "title",
  "description",
  "default",
  "example",
  "examples",
  "deprecated",
  "$comment",
]);

/** @throws SchemaNotEnforceableError naming the keyword and the node's path */
export function refuseKeyword(node: SchemaNode, keyword: string, reason: string): never {
  throw new SchemaNotEnforceableError({ keyword, path: node.path, reason });
}

/** @throws SchemaNotEnforceableError for what is no JSON schema */
export function malformedKeyword(node: SchemaNode, keyword: string, reason: string): never {
  throw new SchemaNotEnforceableError({ keyword, path: node.path, reason, fault: "malformed" });
}

/**
 * Goes on without a keyword that no grammar can hold, where the schema is not strict.
 * @throws SchemaNotEnforceableError where it is
 */
export function waiveKeyword(node: SchemaNode, keyword: string, reason: string): void {
  const { enforcement } = node.document;
  if (enforcement.isStrict) refuseKeyword(node, keyword, reason);
  enforcement.waive({ keyword, path: node.path, reason });
}

/** The value of a keyword; `undefined` where the schema has none, or where it is waived. */
export function keywordValue(node: SchemaNode, keyword: string): JsonValue | undefined {
  if (typeof node.schema === "boolean" || node.document.enforcement.isWaived(node.path, keyword)) return undefined;
  return ownValue(node.schema, keyword);
}

export function readNumber(node: SchemaNode, keyword: string): number | undefined {
  const value = keywordValue(node, keyword);
  if (value === undefined) return undefined;
  if (typeof value !== "number" || !Number.isFinite(value))
    return malformedKeyword(node, keyword, "it must be a number");
  return value;
}

/** A non-negative integer of any size. */
export function readCount(node: SchemaNode, keyword: string): number | undefined {
  const value = readNumber(node, keyword);
  if (value === undefined) return undefined;
  if (!Number.isInteger(value) || value < 0)
    return malformedKeyword(node, keyword, "it must be a non-negative integer");
  return value;
}

export function readString(node: SchemaNode, keyword: string): string | undefined {
  const value = keywordValue(node, keyword);
  if (value !== undefined && typeof value !== "string") return malformedKeyword(node, keyword, "it must be a string");
  return value;
}

export function readStrings(node: SchemaNode, keyword: string): readonly string[] | undefined {
  const value = readList(node, keyword);
  if (value === undefined) return undefined;
  return value.map((item) =>
    typeof item === "string" ? item : malformedKeyword(node, keyword, "it must list strings"),
  );
}

export function readList(node: SchemaNode, keyword: string): readonly JsonValue[] | undefined {
  const value = keywordValue(node, keyword);
  if (value !== undefined && !isJsonArray(value)) return malformedKeyword(node, keyword, "it must be a list");
  return value;
}

export function readMap(node: SchemaNode, keyword: string): JsonObject | undefined {
  const value = keywordValue(node, keyword);
  if (value !== undefined && !isJsonObject(value)) return malformedKeyword(node, keyword, "it must be an object");
  return value;
}
