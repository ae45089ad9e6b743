// Reads what a set of schemas that hold at the same time says about a value: types, listed values, bounds, patterns and formats. The
// keywords for items and members are read where they are compiled (compile-array.ts, compile-object.ts).
import { canonicalJson, isJsonArray, isJsonObject, type JsonValue } from "./json-value.ts";
import { toDecimal, type Decimal } from "../numbers/decimals.ts";
import type { NumberBound } from "../numbers/decimal-ranges.ts";
import { INTEGER_FORMATS } from "../numbers/integer-formats.ts";
import type { SchemaNode } from "./schema-document.ts";
import { keywordValue, readCount, readList, readNumber, readString, malformedKeyword } from "./schema-reader.ts";

export const TYPE_NAMES = ["object", "array", "string", "number", "integer", "boolean", "null"] as const;
export type TypeName = (typeof TYPE_NAMES)[number];

/** A reason why no value at all can satisfy the schemas, with the keyword to name. */
export interface Contradiction {
  readonly node: SchemaNode;
  readonly keyword: string;
  readonly reason: string;
}

export interface Facts {
  /** The schemas, in the order in which they apply; the first is the one to name where nothing better is known. */
  readonly nodes: readonly SchemaNode[];
  /** Allowed types; `integer` stands alone only where `number` is not allowed. */
  readonly types: ReadonlySet<TypeName>;
  /** The only allowed values (`enum`, `const`), already filtered by type. */
  readonly values: readonly JsonValue[] | undefined;
  readonly minLength: number;
  readonly maxLength: number | undefined;
  readonly patterns: readonly { readonly source: string; readonly node: SchemaNode }[];
  readonly formats: readonly { readonly name: string; readonly node: SchemaNode }[];
  readonly minimum: NumberBound | undefined;
  readonly maximum: NumberBound | undefined;
  readonly minItems: number;
  readonly maxItems: number | undefined;
  /** Of which a number must be a multiple. */
  readonly multiples: readonly Decimal[];
  /** Strings that are not allowed. */
  readonly exceptTexts: readonly string[];
  /** Names that an object must not have. */
  readonly absent: readonly string[];
  readonly contradiction: Contradiction | undefined;
}

const KEYWORDS_OF_TYPE: ReadonlyMap<TypeName, readonly string[]> = new Map([
  [
    "object",
    [
      "properties",
      "required",
      "additionalProperties",
      "patternProperties",
      "propertyNames",
      "minProperties",
      "maxProperties",
      "dependentRequired",
      "dependentSchemas",
      "dependencies",
      "unevaluatedProperties",
    ],
  ],
  [
    "array",
    ["items", "prefixItems", "additionalItems", "minItems", "maxItems", "uniqueItems", "contains", "unevaluatedItems"],
  ],
  ["string", ["minLength", "maxLength", "pattern", "format"]],
  ["number", ["minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"]],
]);

/** True where a keyword that concerns this type is present. */
export function mentionsType(nodes: readonly SchemaNode[], type: TypeName): boolean {
  return (KEYWORDS_OF_TYPE.get(type) ?? []).some((keyword) =>
    nodes.some((node) => keywordValue(node, keyword) !== undefined),
  );
}

/** Reads schemas that must all hold. `$ref`, `allOf`, `anyOf` and `oneOf` are not read: schema-alternatives.ts resolves them. */
export function readFacts(nodes: readonly SchemaNode[]): Facts {
  let types: ReadonlySet<TypeName> = new Set(TYPE_NAMES.filter((name) => name !== "integer"));
  let contradiction: Contradiction | undefined;
  for (const node of nodes) {
    if (node.schema === false) contradiction ??= { node, keyword: "false", reason: "no value is allowed" };
    const allowed = readTypes(node);
    if (allowed !== undefined) types = intersectTypes(types, allowed);
    if (types.size === 0) contradiction ??= { node, keyword: "type", reason: "no type is left" };
  }
  if (isIntegerOnly(nodes)) types = intersectTypes(types, new Set(TYPE_NAMES.filter((name) => name !== "number")));
  const lengths = readBounds(nodes, "minLength", "maxLength");
  const items = readBounds(nodes, "minItems", "maxItems");
  const facts: Facts = {
    nodes,
    types,
    values: undefined,
    minLength: lengths.min,
    maxLength: lengths.max,
    patterns: nodes.flatMap((node) => {
      const source = readString(node, "pattern");
      return source === undefined ? [] : [{ source, node }];
    }),
    formats: nodes.flatMap((node) => {
      const name = readString(node, "format");
      return name === undefined ? [] : [{ name, node }];
    }),
    minimum: readBound(nodes, "minimum"),
    maximum: readBound(nodes, "maximum"),
    minItems: items.min,
    maxItems: items.max,
    multiples: nodes.flatMap(readMultiple),
    exceptTexts: [],
    absent: nodes.flatMap((node) => node.absent ?? []),
    contradiction,
  };
  const values = readValues(nodes)?.filter((value) => hasType(value, types));
  if (values === undefined) return facts;
  const node = nodes.find((one) => keywordValue(one, "enum") !== undefined || keywordValue(one, "const") !== undefined);
  if (values.length > 0 || node === undefined || contradiction !== undefined) {
    return { ...facts, values };
  }
  const keyword = keywordValue(node, "const") === undefined ? "enum" : "const";
  return { ...facts, values, contradiction: { node, keyword, reason: "no listed value is left" } };
}

export function hasType(value: JsonValue, types: ReadonlySet<TypeName>): boolean {
  if (value === null) return types.has("null");
  if (isJsonArray(value)) return types.has("array");
  if (isJsonObject(value)) return types.has("object");
  if (typeof value === "number") return types.has("number") || (types.has("integer") && Number.isInteger(value));
  return types.has(typeof value === "string" ? "string" : "boolean");
}

function readTypes(node: SchemaNode): ReadonlySet<TypeName> | undefined {
  const value = keywordValue(node, "type");
  if (value === undefined) return undefined;
  const names = isJsonArray(value) ? value : [value];
  const types = new Set<TypeName>();
  for (const name of names) {
    const known = TYPE_NAMES.find((one) => one === name);
    if (known === undefined) return malformedKeyword(node, "type", `${JSON.stringify(name)} is not a type`);
    types.add(known);
  }
  // OpenAPI 3.0's way of saying ["...", "null"].
  if (keywordValue(node, "nullable") === true) types.add("null");
  return types;
}

function intersectTypes(left: ReadonlySet<TypeName>, right: ReadonlySet<TypeName>): ReadonlySet<TypeName> {
  const both = new Set([...left].filter((type) => right.has(type)));
  if (both.has("number")) both.delete("integer");
  else if ([left, right].every((set) => set.has("number") || set.has("integer"))) both.add("integer");
  return both;
}

function isIntegerOnly(nodes: readonly SchemaNode[]): boolean {
  return nodes.some((node) => {
    const format = keywordValue(node, "format");
    return (
      readMultiple(node).some(({ scale }) => scale === 0) || (typeof format === "string" && INTEGER_FORMATS.has(format))
    );
  });
}

function readMultiple(node: SchemaNode): Decimal[] {
  const multiple = readNumber(node, "multipleOf");
  if (multiple === undefined) return [];
  return multiple > 0 ? [toDecimal(multiple)] : malformedKeyword(node, "multipleOf", "it must be above zero");
}

function readBounds(
  nodes: readonly SchemaNode[],
  minKeyword: string,
  maxKeyword: string,
): { readonly min: number; readonly max: number | undefined } {
  const min = Math.max(0, ...nodes.map((node) => readCount(node, minKeyword) ?? 0));
  const max = Math.min(Infinity, ...nodes.map((node) => readCount(node, maxKeyword) ?? Infinity));
  return { min, max: max === Infinity ? undefined : max };
}

/** The tightest of all lower (or upper) bounds. */
function readBound(nodes: readonly SchemaNode[], keyword: "minimum" | "maximum"): NumberBound | undefined {
  const exclusiveKeyword = keyword === "minimum" ? "exclusiveMinimum" : "exclusiveMaximum";
  const sign = keyword === "minimum" ? 1 : -1;
  let tightest: NumberBound | undefined;
  const consider = (bound: NumberBound): void => {
    const difference = tightest === undefined ? 1 : (bound.value - tightest.value) * sign;
    if (difference > 0 || (difference === 0 && bound.exclusive)) tightest = bound;
  };
  for (const node of nodes) {
    const value = readNumber(node, keyword);
    // Draft 4 wrote `"exclusiveMinimum": true` beside `minimum`.
    const isDraft4Exclusive = keywordValue(node, exclusiveKeyword) === true;
    if (value !== undefined) consider({ value, exclusive: isDraft4Exclusive });
    if (typeof keywordValue(node, exclusiveKeyword) === "boolean") continue;
    const exclusive = readNumber(node, exclusiveKeyword);
    if (exclusive !== undefined) consider({ value: exclusive, exclusive: true });
  }
  return tightest;
}

function readValues(nodes: readonly SchemaNode[]): readonly JsonValue[] | undefined {
  let values: ReadonlyMap<string, JsonValue> | undefined;
  for (const node of nodes) {
    const constant = keywordValue(node, "const");
    const lists = [readList(node, "enum"), constant === undefined ? undefined : [constant]];
    for (const list of lists) {
      if (list === undefined) continue;
      const listed = new Map(list.map((value) => [canonicalJson(value), value]));
      const before = values;
      values = before === undefined ? listed : new Map([...before].filter(([key]) => listed.has(key)));
    }
  }
  return values === undefined ? undefined : [...values.values()];
}
