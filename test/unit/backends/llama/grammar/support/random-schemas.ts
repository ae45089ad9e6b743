// Random schemas with the keywords that generators write, held by grammars or not, each with instances that may be valid: in declared
// order and without names that only a grammar's author would leave out, so that a grammar that loosens must accept the valid ones.
import fc from "fast-check";
import type { JsonValue } from "../../../../../../src/backends/llama/grammar/schema/reading/json-value.ts";

export interface RandomSchema {
  readonly schema: Readonly<Record<string, JsonValue>>;
  readonly instances: readonly JsonValue[];
}

type Keywords = Record<string, JsonValue>;

/** None or some of the keywords. */
function some(keywords: Record<string, fc.Arbitrary<JsonValue>>): fc.Arbitrary<Keywords> {
  const all = Object.keys(keywords);
  return fc
    .subarray(all, { maxLength: Math.min(3, all.length) })
    .chain((names) => fc.record(Object.fromEntries(names.map((name) => [name, keywords[name]!]))));
}

const texts = ["", "a", "ab", "abc", "b-1", "x y", "2024-02-29", "a@b.co", "zzzzzzzz", "\u00e9", '"'];
const word = fc.constantFrom(...texts);

const string: fc.Arbitrary<RandomSchema> = fc
  .tuple(
    some({
      minLength: fc.nat(3),
      maxLength: fc.nat(8),
      pattern: fc.constantFrom("^[a-z]+$", "b", "\\bx\\b", "^(?!a)", "(a)\\1", "-\\d$"),
      format: fc.constantFrom("date", "email", "uint32", "credit-card"),
      not: fc.constantFrom<JsonValue>({ const: "a" }, { enum: ["ab", "b-1"] }, { pattern: "^z" }, { type: "null" }),
      enum: fc.subarray(texts, { minLength: 1 }),
    }),
    fc.array(word, { minLength: 2, maxLength: 6 }),
  )
  .map(([keywords, instances]) => ({ schema: { type: "string", ...keywords }, instances }));

const amount = fc.oneof(
  fc.integer({ min: -40, max: 400 }),
  fc.integer({ min: -400, max: 400 }).map((tenths) => tenths / 10 + 0),
);

const number: fc.Arbitrary<RandomSchema> = fc
  .tuple(
    fc.constantFrom("number", "integer"),
    some({
      minimum: fc.oneof(fc.integer({ min: -20, max: 20 }), fc.constant(-Number.MAX_VALUE)),
      maximum: fc.oneof(fc.integer({ min: 10, max: 300 }), fc.constant(Number.MAX_VALUE)),
      exclusiveMinimum: fc.integer({ min: -20, max: 20 }),
      exclusiveMaximum: fc.integer({ min: 10, max: 300 }),
      multipleOf: fc.constantFrom<JsonValue>(1, 2, 5, 7, 10, 0.5, 0.1, 0.3, 2.5, 0.30000000000000004),
      format: fc.constantFrom("int32", "double", "decimal"),
      not: fc.constantFrom<JsonValue>({ const: 5 }, { minimum: 100 }, { type: "string" }),
    }),
    fc.array(amount, { minLength: 2, maxLength: 6 }),
  )
  .map(([type, keywords, instances]) => ({ schema: { type, ...keywords }, instances }));

const scalar: fc.Arbitrary<RandomSchema> = fc.oneof(
  string,
  number,
  fc.constant<RandomSchema>({ schema: { type: "boolean" }, instances: [true, false] }),
  fc.constant<RandomSchema>({ schema: { type: ["string", "null"] }, instances: [null, "a"] }),
  fc
    .subarray<JsonValue>(["a", 1, null, true, { k: [1] }, "b"], { minLength: 1 })
    .map((values) => ({ schema: { enum: values }, instances: values })),
);

function pick<T>(items: readonly T[], at: number): T {
  return items[at % items.length] as T;
}

function arrayOf(inner: fc.Arbitrary<RandomSchema>): fc.Arbitrary<RandomSchema> {
  const keywords = some({
    minItems: fc.nat(2),
    maxItems: fc.integer({ min: 1, max: 4 }),
    uniqueItems: fc.boolean(),
    contains: fc.constant<JsonValue>({ type: "string" }),
    unevaluatedItems: fc.constant(false),
  });
  return fc
    .tuple(inner, keywords, fc.array(fc.array(fc.nat(20), { maxLength: 4 }), { minLength: 2, maxLength: 5 }))
    .map(([items, more, picks]) => ({
      schema: { type: "array", items: items.schema, ...more },
      instances: picks.map((list) => list.map((at) => pick(items.instances, at))),
    }));
}

const names = ["a", "b", "c d", "é"];

const conditions: readonly JsonValue[] = [{ required: ["a"] }, { required: ["b"] }, { minProperties: 1 }];
const conditional = Object.fromEntries(
  ["if", "then", "else"].map((keyword, at) => [keyword, fc.constant(conditions[at]!)] as const),
);

function objectOf(inner: fc.Arbitrary<RandomSchema>): fc.Arbitrary<RandomSchema> {
  const keywords = some({
    additionalProperties: fc.constantFrom<JsonValue>(false, true, { type: "integer" }),
    patternProperties: fc.constantFrom<JsonValue>(
      { "^x": { type: "string" } },
      { "^[ax]": {}, "1$": { type: ["string", "integer"] } },
      { "^q": false },
      { "\\bx": {} },
    ),
    propertyNames: fc.constantFrom<JsonValue>({ maxLength: 3 }, { pattern: "\\b" }),
    minProperties: fc.nat(2),
    maxProperties: fc.integer({ min: 2, max: 4 }),
    dependentRequired: fc.constantFrom<JsonValue>({ a: ["b"] }, { b: ["a"], "c d": ["b"] }, { x1: ["a"] }),
    dependentSchemas: fc.constantFrom<JsonValue>(
      { a: { required: ["b"] } },
      { b: { maxProperties: 2 } },
      { "c d": false },
    ),
    dependencies: fc.constantFrom<JsonValue>({ a: ["b"] }, { a: { minProperties: 2 } }),
    unevaluatedProperties: fc.constant(false),
    not: fc.constantFrom<JsonValue>({ required: ["a", "b"] }, { required: ["b"] }, { type: "array" }),
    ...conditional,
  });
  return fc
    .tuple(
      fc.array(inner, { minLength: 1, maxLength: 4 }),
      fc.nat(15),
      keywords,
      fc.array(fc.tuple(fc.nat(15), fc.nat(3), fc.nat(20)), { minLength: 3, maxLength: 6 }),
    )
    .map(([members, mask, more, picks]) => {
      const declared = members.map((member, index) => [pick(names, index), member] as const);
      // Names that neither match a pattern nor are said to be allowed are left out of grammars.
      const isOpen = (more["additionalProperties"] ?? false) !== false;
      const hasPatterns = Object.keys(more["patternProperties"] ?? {}).some((pattern) => pattern.includes("x"));
      const extras: JsonValue[] = isOpen
        ? [{}, { x1: "s" }, { q: 5 }, { x1: 5, q: true }]
        : [{}, { x1: "s" }, { x1: "t" }, { x1: 5 }];
      return {
        schema: {
          type: "object",
          properties: Object.fromEntries(declared.map(([name, { schema }]) => [name, schema])),
          required: declared.map(([name]) => name).filter((_, index) => (mask >> index) % 2 === 1),
          ...more,
        },
        instances: picks.map(([chosen, extra, at]) => ({
          ...Object.fromEntries(
            declared
              .filter((_, index) => ((chosen | mask) >> index) % 2 === 1)
              .map(([name, { instances }], index) => [name, pick(instances, at + index)]),
          ),
          ...(isOpen || hasPatterns ? (extras[extra] as Keywords) : {}),
        })),
      };
    });
}

/** At most one branch has objects: their grammars do not write what only another branch would declare. */
function choiceOf(inner: fc.Arbitrary<RandomSchema>): fc.Arbitrary<RandomSchema> {
  const never: RandomSchema = { schema: { not: {} }, instances: [] };
  return fc
    .tuple(
      fc.constantFrom("anyOf", "oneOf"),
      inner,
      fc.array(fc.oneof(scalar, fc.constant(never)), { minLength: 1, maxLength: 2 }),
    )
    .map(([keyword, first, others]) => ({
      schema: { [keyword]: [first, ...others].map(({ schema }) => schema) },
      instances: [...[first, ...others].flatMap(({ instances }) => instances), 0].slice(0, 8),
    }));
}

const { schema: tree } = fc.letrec<{ schema: RandomSchema }>((tie) => ({
  schema: fc.oneof(
    { maxDepth: 3, depthSize: "small" },
    scalar,
    arrayOf(tie("schema")),
    objectOf(tie("schema")),
    objectOf(tie("schema")),
    choiceOf(tie("schema")),
  ),
}));

/** Now and then behind a reference. */
export const randomSchema: fc.Arbitrary<RandomSchema> = fc
  .tuple(tree, fc.boolean())
  .map(([one, isReferred]) =>
    isReferred
      ? { schema: { $defs: { one: one.schema }, allOf: [{ $ref: "#/$defs/one" }] }, instances: one.instances }
      : one,
  );
