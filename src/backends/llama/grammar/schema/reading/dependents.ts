// What a property asks for when it is there: `dependentRequired`, `dependentSchemas`, and `dependencies` of older drafts. Each such
// property makes two cases, one with it and one without, and a grammar holds either.
import { isJsonArray, type JsonValue } from "./json-value.ts";
import type { SchemaNode } from "./schema-document.ts";
import { malformedKeyword, readMap } from "./schema-reader.ts";

export const DEPENDENT_KEYWORDS = ["dependentRequired", "dependentSchemas", "dependencies"] as const;

/** For each property that asks for something: the schemas that hold where it is there, and those that hold where it is not. */
export function dependentCases(
  node: SchemaNode,
  keyword: (typeof DEPENDENT_KEYWORDS)[number],
): (readonly (readonly SchemaNode[])[])[] {
  const { document } = node;
  const map = readMap(node, keyword) ?? {};
  return Object.entries(map).flatMap(([name, asked]) => {
    const isList = keyword === "dependentRequired" || (keyword === "dependencies" && isJsonArray(asked));
    const names = isList ? readNames(node, keyword, asked) : [];
    if (isList && names.every((one) => one === name)) return [];
    const present = document.derive(node, {
      name: `${keyword}/${name}`,
      schema: { type: "object", required: [name, ...names] },
    });
    const absent = document.derive(node, { name: `${keyword}/${name}/absent`, schema: {}, absent: [name] });
    return [[isList ? [present] : [present, document.child(node, keyword, name)], [absent]]];
  });
}

function readNames(node: SchemaNode, keyword: string, value: JsonValue): string[] {
  if (!isJsonArray(value)) return malformedKeyword(node, keyword, "it must hold lists");
  return value.map((item) =>
    typeof item === "string" ? item : malformedKeyword(node, keyword, "it must list strings"),
  );
}
