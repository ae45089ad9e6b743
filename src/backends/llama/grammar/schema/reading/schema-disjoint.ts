// Decides whether two plain schemas exclude each other, and says no where it cannot tell. Used for `oneOf` only.
import { canonicalJson, ownValue, isJsonArray } from "./json-value.ts";
import { keywordValue } from "./schema-reader.ts";
import { hasType, readFacts, type Facts, type TypeName } from "./schema-facts.ts";
import type { SchemaNode } from "./schema-document.ts";

const MAX_DEPTH = 4;

/** True only where no value satisfies both. */
export function areDisjoint(left: Facts, right: Facts, depth = 0): boolean {
  if (left.contradiction !== undefined || right.contradiction !== undefined) return true;
  if (left.values !== undefined && right.values !== undefined) {
    const known = new Set(left.values.map(canonicalJson));
    return right.values.every((value) => !known.has(canonicalJson(value)));
  }
  if (left.values !== undefined) return left.values.every((value) => !hasType(value, right.types));
  if (right.values !== undefined) return right.values.every((value) => !hasType(value, left.types));
  return sharedTypes(left, right).every((type) => {
    if (type === "number" || type === "integer") return areRangesDisjoint(left, right);
    if (type === "string") return isEmptyRange(left, right, "minLength", "maxLength");
    if (type === "array") return isEmptyRange(left, right, "minItems", "maxItems");
    return type === "object" && areObjectsDisjoint(left, right, depth);
  });
}

function sharedTypes(left: Facts, right: Facts): TypeName[] {
  const isNumeric = (facts: Facts): boolean => facts.types.has("number") || facts.types.has("integer");
  const shared = [...left.types].filter((type) => type !== "number" && type !== "integer" && right.types.has(type));
  return isNumeric(left) && isNumeric(right) ? [...shared, "number"] : shared;
}

function areRangesDisjoint(left: Facts, right: Facts): boolean {
  return [
    [left.minimum, right.maximum],
    [right.minimum, left.maximum],
  ].some(([min, max]) => {
    if (min === undefined || max === undefined) return false;
    return min.value > max.value || (min.value === max.value && (min.exclusive || max.exclusive));
  });
}

function isEmptyRange(
  left: Facts,
  right: Facts,
  min: "minLength" | "minItems",
  max: "maxLength" | "maxItems",
): boolean {
  return left[min] > (right[max] ?? Infinity) || right[min] > (left[max] ?? Infinity);
}

/** True where both require a property with schemas that exclude each other, or one forbids a property that the other requires. */
function areObjectsDisjoint(left: Facts, right: Facts, depth: number): boolean {
  const leftRequired = requiredNames(left);
  const rightRequired = requiredNames(right);
  if (forbidsOneOf(left, rightRequired) || forbidsOneOf(right, leftRequired)) return true;
  if (depth >= MAX_DEPTH) return false;
  return [...leftRequired].some((name) => {
    if (!rightRequired.has(name)) return false;
    const one = propertyFacts(left, name);
    const other = propertyFacts(right, name);
    return one !== undefined && other !== undefined && areDisjoint(one, other, depth + 1);
  });
}

function requiredNames(facts: Facts): ReadonlySet<string> {
  const lists = facts.nodes.map((node) => keywordValue(node, "required"));
  return new Set(lists.flatMap((list) => (isJsonArray(list) ? list.filter((name) => typeof name === "string") : [])));
}

function forbidsOneOf(facts: Facts, names: ReadonlySet<string>): boolean {
  if (facts.absent.some((name) => names.has(name))) return true;
  return facts.nodes.some((node) => {
    if (keywordValue(node, "additionalProperties") !== false) return false;
    if (keywordValue(node, "patternProperties") !== undefined) return false;
    return [...names].some((name) => propertyNode(node, name) === undefined);
  });
}

/** The facts that `properties` gives about a property, without those behind `$ref`, `allOf`, `anyOf` and `oneOf`. */
function propertyFacts(facts: Facts, name: string): Facts | undefined {
  const nodes = facts.nodes.flatMap((node) => propertyNode(node, name) ?? []);
  return nodes.length === 0 ? undefined : readFacts(nodes);
}

function propertyNode(node: SchemaNode, name: string): SchemaNode | undefined {
  const properties = keywordValue(node, "properties");
  if (typeof properties !== "object" || properties === null || isJsonArray(properties)) return undefined;
  return ownValue(properties, name) === undefined ? undefined : node.document.child(node, "properties", name);
}
