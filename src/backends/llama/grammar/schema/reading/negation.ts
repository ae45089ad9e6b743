// What `not` excludes, as far as a grammar can leave it out: every value, whole types, listed values, or objects with a property.
import { canonicalJson, isJsonArray, isJsonObject, type JsonValue } from "./json-value.ts";
import type { SchemaNode } from "./schema-document.ts";
import { TYPE_NAMES, hasType, type Facts, type TypeName } from "./schema-facts.ts";
import { ANNOTATIONS, keywordValue, waiveKeyword } from "./schema-reader.ts";

/**
 * The facts without what their schemas negate.
 * @throws SchemaNotEnforceableError for other negations in a strict schema
 */
export function withoutNegated(facts: Facts): Facts {
  return facts.nodes.reduce((before, node) => {
    const negated = keywordValue(node, "not");
    if (negated === undefined || negated === false) return before;
    return excluded(before, { node, negated }) ?? waived(before, node);
  }, facts);
}

function waived(facts: Facts, node: SchemaNode): Facts {
  waiveKeyword(node, "not", "only types, listed values and a required property can be left out of a grammar");
  return facts;
}

function excluded(
  facts: Facts,
  { node, negated }: { readonly node: SchemaNode; readonly negated: JsonValue },
): Facts | undefined {
  const keywords = isJsonObject(negated) ? Object.keys(negated).filter((keyword) => !ANNOTATIONS.has(keyword)) : [];
  if (negated === true || (isJsonObject(negated) && keywords.length === 0)) return impossible(facts, node);
  if (!isJsonObject(negated) || keywords.length > 1) return undefined;
  const value = negated[keywords[0] ?? ""] ?? null;
  const list = isJsonArray(value) ? value : [value];
  if (keywords[0] === "type") return withoutTypes(facts, { node, names: list });
  if (keywords[0] === "required") return withoutProperty(facts, list);
  if (keywords[0] === "const") return withoutValues(facts, { node, values: [value] });
  return keywords[0] === "enum" && isJsonArray(value) ? withoutValues(facts, { node, values: value }) : undefined;
}

function impossible(facts: Facts, node: SchemaNode): Facts {
  return { ...facts, contradiction: facts.contradiction ?? { node, keyword: "not", reason: "no value is allowed" } };
}

function withoutTypes(
  facts: Facts,
  { node, names }: { readonly node: SchemaNode; readonly names: readonly JsonValue[] },
): Facts | undefined {
  const negated = new Set(names.flatMap((name) => TYPE_NAMES.find((one) => one === name) ?? []));
  if (negated.size < names.length) return undefined;
  // Numbers that are no integers have no rule of their own.
  if (negated.has("integer") && !negated.has("number") && facts.types.has("number") && facts.values === undefined) {
    return undefined;
  }
  const types = new Set([...facts.types].filter((type) => !negated.has(type)));
  if (negated.has("number")) types.delete("integer");
  const values = facts.values?.filter((value) => !hasType(value, negated));
  return types.size === 0 || values?.length === 0 ? impossible(facts, node) : { ...facts, types, values };
}

/** Whatever is no object has all required properties, as JSON Schema sees it, and is excluded. */
function withoutProperty(facts: Facts, names: readonly JsonValue[]): Facts | undefined {
  const [name, ...others] = names;
  if (typeof name !== "string" || others.length > 0) return undefined;
  if (!facts.types.has("object") || facts.values !== undefined) return undefined;
  return { ...facts, types: new Set<TypeName>(["object"]), absent: [...facts.absent, name] };
}

function withoutValues(
  facts: Facts,
  { node, values: negated }: { readonly node: SchemaNode; readonly values: readonly JsonValue[] },
): Facts | undefined {
  if (facts.values !== undefined) {
    const keys = new Set(negated.map(canonicalJson));
    const values = facts.values.filter((value) => !keys.has(canonicalJson(value)));
    return values.length === 0 ? impossible(facts, node) : { ...facts, values };
  }
  const concerned = negated.filter((value) => hasType(value, facts.types));
  if (!concerned.every((value) => value === null || typeof value === "string")) return undefined;
  const types = new Set<TypeName>([...facts.types].filter((type) => type !== "null" || !concerned.includes(null)));
  const exceptTexts = [...facts.exceptTexts, ...concerned.filter((value) => typeof value === "string")];
  return types.size === 0 ? impossible(facts, node) : { ...facts, types, exceptTexts };
}
