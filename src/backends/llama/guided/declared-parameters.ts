// Reads a tool's schema for formats that write one declared parameter after another, rather than a JSON object.
import { readObjectShape, type ObjectShape } from "../grammar/schema/objects/compile-object.ts";
import { DEPENDENT_KEYWORDS } from "../grammar/schema/reading/dependents.ts";
import type { SchemaNode } from "../grammar/schema/reading/schema-document.ts";
import type { Facts } from "../grammar/schema/reading/schema-facts.ts";
import { keywordValue, refuseKeyword, waiveKeyword } from "../grammar/schema/reading/schema-reader.ts";
import type { SchemaCompiler } from "../grammar/schema/schema-compiler.ts";

export interface DeclaredParameter {
  readonly key: string;
  /** The schemas that its value must satisfy. */
  readonly nodes: readonly SchemaNode[];
  readonly isRequired: boolean;
}

/**
 * The parameters in declared order, without those that no value is possible for. Of a schema with alternatives that is not strict,
 * those of all of them.
 * @throws SchemaNotEnforceableError where no object is possible, and for what a list of parameters cannot hold
 */
export function declaredParameters(compiler: SchemaCompiler, root: SchemaNode): readonly DeclaredParameter[] {
  const possible = compiler
    .alternatives([root])
    .filter(({ contradiction, types }) => contradiction === undefined && types.has("object"));
  const [first, ...others] = possible;
  if (first === undefined) return refuseKeyword(root, "type", "it must be an object schema");
  if (others.length > 0) noteAlternatives(root);
  const { maxAutomatonStates: maxStates } = compiler.writer.limits;
  const shapes = possible.map((facts) => readShape(facts, maxStates));
  const names = new Set(shapes.flatMap(({ properties }) => [...properties.keys()]));
  return [...names].flatMap((key) => {
    const isRequired = shapes.every(({ required }) => required.has(key));
    const schemas = shapes.flatMap(({ properties }) => {
      const nodes = properties.get(key);
      return nodes === undefined ? [] : [nodes];
    });
    // A value that the alternatives do not agree on may be any.
    const nodes = schemas.every((one) => isSame(one, schemas[0] ?? [])) ? (schemas[0] ?? []) : [];
    if (compiler.isSatisfiable(nodes)) return [{ key, nodes, isRequired }];
    return isRequired ? refuseKeyword(root, "required", `no value is possible for ${JSON.stringify(key)}`) : [];
  });
}

function noteAlternatives(root: SchemaNode): void {
  const keyword =
    ["anyOf", "oneOf", "allOf", ...DEPENDENT_KEYWORDS].find((one) => keywordValue(root, one) !== undefined) ?? "anyOf";
  const reason = "this model takes declared parameters only";
  const { enforcement } = root.document;
  if (enforcement.isStrict) refuseKeyword(root, keyword, reason);
  enforcement.annotate({ keyword, path: root.path, reason });
}

function readShape(facts: Facts, maxStates: number): ObjectShape {
  const shape = readObjectShape(facts, { isOwner: true, maxStates });
  const refused = {
    minProperties: shape.minProperties > shape.required.size,
    maxProperties: (shape.maxProperties ?? Infinity) < shape.properties.size,
    propertyNames: true,
  };
  for (const node of facts.nodes) {
    for (const [keyword, isRefused] of Object.entries(refused)) {
      if (!isRefused || keywordValue(node, keyword) === undefined) continue;
      waiveKeyword(node, keyword, "this model's parameters are not counted or named freely");
    }
  }
  return shape;
}

function isSame(left: readonly SchemaNode[], right: readonly SchemaNode[]): boolean {
  return left.length === right.length && left.every((node, index) => node === right[index]);
}
