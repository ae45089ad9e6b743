// Compiles objects: declared properties in the order of the schema, then undeclared ones where they are allowed.
//
// Where `properties` is there (even an empty one) and `additionalProperties` is not, no undeclared ones are written but those that
// `patternProperties` expects. JSON Schema would allow them; but a model that is given a form should not invent fields, and leaving texts
// out makes no invalid ones.
import { compiled, contradicted, nodeWith, toError, type Compiled, type CompileContext } from "../compile-context.ts";
import { nameText } from "../../gbnf/notation/notation.ts";
import { ownValue, type JsonObject } from "../reading/json-value.ts";
import { memberSequence, type Member } from "./member-sequence.ts";
import { NamePatterns, type NameClass } from "./name-classes.ts";
import { compilePropertyNames, type NameRule } from "./property-names.ts";
import type { SchemaNode } from "../reading/schema-document.ts";
import type { Facts } from "../reading/schema-facts.ts";
import {
  keywordValue,
  readCount,
  readMap,
  readStrings,
  refuseKeyword,
  waiveKeyword,
} from "../reading/schema-reader.ts";

/** Everything that schemas which hold together say about one object. */
export interface ObjectShape {
  /** Declared or required names, in order of appearance, each with the schemas that its value must satisfy. */
  readonly properties: ReadonlyMap<string, readonly SchemaNode[]>;
  readonly required: ReadonlySet<string>;
  /** Other names that there may be. */
  readonly others: () => readonly NameClass[];
  readonly minProperties: number;
  readonly maxProperties: number | undefined;
}

/**
 * A JSON object. `isOwner`: the facts come from one schema, for which alone `unevaluatedProperties` can be enforced.
 * @throws SchemaNotEnforceableError
 */
export function compileObject(facts: Facts, context: CompileContext, isOwner: boolean): Compiled {
  const { writer } = context;
  const shape = readObjectShape(facts, { isOwner, maxStates: writer.limits.maxAutomatonStates });
  const names = compilePropertyNames(facts, context, [...shape.properties.keys(), ...facts.absent]);
  const members: Member[] = [];
  for (const [name, nodes] of shape.properties) {
    const isRequired = shape.required.has(name);
    if (!names.allows(name) || !context.isSatisfiable(nodes)) {
      if (!isRequired) continue;
      return contradicted(nodeWith(facts, "required"), "required", `no value is possible for ${JSON.stringify(name)}`);
    }
    const key = writer.notation.literal(nameText(name, writer.notation));
    members.push({ isRequired, expression: `${key} ${writer.notation.afterName} ${context.compile(nodes)}` });
  }
  const extra = compileOthers(shape, names, context);
  const sequence = memberSequence(members, {
    writer,
    extra,
    minMembers: shape.minProperties,
    maxMembers: shape.maxProperties,
    refuse: (keyword, reason) => refuseKeyword(nodeWith(facts, keyword), keyword, reason),
  });
  const ws = writer.shared("ws");
  const mayBeEmpty = shape.minProperties === 0 && members.every((member) => !member.isRequired);
  if (sequence !== undefined && mayBeEmpty) return compiled(`"{" ${ws} ( ${sequence.join(" ")} ${ws} )? "}"`);
  if (sequence !== undefined) {
    const [first = "", ...others] = sequence;
    return compiled(`"{" ${ws} ${first}`, ...others, `${ws} "}"`);
  }
  if (mayBeEmpty) return compiled(`"{" ${ws} "}"`);
  const keyword = shape.minProperties > 0 ? "minProperties" : "maxProperties";
  return contradicted(nodeWith(facts, keyword), keyword, "no number of properties satisfies it");
}

export function readObjectShape(
  facts: Facts,
  { isOwner, maxStates }: { readonly isOwner: boolean; readonly maxStates: number },
): ObjectShape {
  const { nodes } = facts;
  let unevaluated: SchemaNode | undefined;
  for (const node of nodes) {
    const value = keywordValue(node, "unevaluatedProperties");
    if (value === undefined || value === true) continue;
    if (!isOwner || node !== nodes[0]) waiveKeyword(node, "unevaluatedProperties", "other schemas apply beside it");
    else if (node.document.enforcement.hidesProperties) {
      waiveKeyword(node, "unevaluatedProperties", "what is not enforced might evaluate properties");
    }
    // Every other schema here is one that `node` leads to: what it declares is evaluated.
    else unevaluated = node.document.child(node, "unevaluatedProperties");
  }
  const patterns = new NamePatterns(nodes, { maxStates });
  const declared = new Map(nodes.map((node) => [node, readMap(node, "properties") ?? {}]));
  const evaluatesAll = nodes.some((node) => keywordValue(node, "additionalProperties") !== undefined);
  const required = new Set(nodes.flatMap((node) => readStrings(node, "required") ?? []));
  const properties = new Map<string, readonly SchemaNode[]>();
  for (const name of [...nodes.flatMap((node) => declaredNames(node, declared.get(node) ?? {})), ...required]) {
    if (properties.has(name) || facts.absent.includes(name)) continue;
    const values = nodes.flatMap((node) => {
      if (ownValue(declared.get(node) ?? {}, name) === undefined) return patterns.schemasOf(name, node);
      return [node.document.child(node, "properties", name), ...patterns.patternedOf(name, node)];
    });
    const isEvaluated =
      evaluatesAll || patterns.matches(name) || [...declared.values()].some((map) => ownValue(map, name) !== undefined);
    properties.set(name, isEvaluated || unevaluated === undefined ? values : [...values, unevaluated]);
  }
  const isListed = nodes.some((node) => keywordValue(node, "properties") !== undefined);
  const isOpened = nodes.some(({ document, path }) => document.enforcement.isOpened(path));
  const isOpen = evaluatesAll || (unevaluated === undefined && (!isListed || isOpened));
  return {
    properties,
    required,
    others: () => patterns.classes().filter(({ isMatched }) => isMatched || isOpen),
    minProperties: Math.max(0, ...nodes.map((node) => readCount(node, "minProperties") ?? 0)),
    maxProperties: finite(Math.min(...nodes.map((node) => readCount(node, "maxProperties") ?? Infinity))),
  };
}

/**
 * The names in the order of the schema. JavaScript moves names such as "2" to the front; where the written order is not known and all
 * are required, `required` has it.
 */
function declaredNames(node: SchemaNode, map: JsonObject): readonly string[] {
  const names = node.document.keysOf(node, "properties", map);
  if (!names.some((name) => /^\d+$/.test(name)) || names.some((name, at) => name !== Object.keys(map)[at]))
    return names;
  const listed = [...new Set(readStrings(node, "required") ?? [])].filter((name) => Object.hasOwn(map, name));
  return listed.length === names.length ? listed : names;
}

function compileOthers(shape: ObjectShape, names: NameRule, context: CompileContext): string | undefined {
  if ((shape.maxProperties ?? Infinity) <= shape.required.size) return undefined;
  const { writer } = context;
  const possible = shape.others().filter(({ nodes }) => context.isSatisfiable(nodes));
  const keys = possible.map((others) => ({ ...others, key: names.otherNames(others) }));
  const members = keys.flatMap(({ nodes, key }) =>
    "contradiction" in key ? [] : [`${key.parts.join(" ")} ${writer.notation.afterName} ${context.compile(nodes)}`],
  );
  if (members.length > 0) return writer.rule("member", members.join(" | "));
  const [first] = keys;
  const mustBe = shape.required.size === 0 && shape.minProperties > 0;
  if (mustBe && first !== undefined && "contradiction" in first.key) throw toError(first.key.contradiction);
  return undefined;
}

function finite(value: number): number | undefined {
  return Number.isFinite(value) ? value : undefined;
}
