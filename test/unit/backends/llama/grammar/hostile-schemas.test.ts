// Schemas made to do harm: each is compiled or refused quickly, and none injects rules into the grammar.
import { describe, expect, it } from "vitest";
import { validateGbnf } from "../../../../../src/backends/llama/grammar/gbnf/gbnf-validate.ts";
import { jsonSchemaToGbnf } from "../../../../../src/backends/llama/grammar/json-schema-to-gbnf.ts";
import type { JsonValue } from "../../../../../src/backends/llama/grammar/schema/reading/json-value.ts";
import { SchemaNotEnforceableError } from "../../../../../src/backends/llama/grammar/gbnf/grammar-error.ts";
import { GbnfMachine, seededSampler } from "./support/gbnf-machine.ts";
import { refusal } from "./support/refusal.ts";

describe("hostile schemas", () => {
  /** The grammar, or how the schema was refused; anything else, and anything slow, fails. */
  function attempt(
    schema: JsonValue,
  ): { grammar: string } | Pick<SchemaNotEnforceableError, "keyword" | "path" | "reason"> {
    const started = performance.now();
    try {
      return { grammar: jsonSchemaToGbnf(schema) };
    } catch (error) {
      if (!(error instanceof SchemaNotEnforceableError)) throw error;
      return { keyword: error.keyword, path: error.path, reason: error.reason };
    } finally {
      // Generous: the limit has to tell a moment from for ever only.
      expect(performance.now() - started).toBeLessThan(10_000);
    }
  }

  /** Compiles to a grammar that llama.cpp's limits allow. */
  function taken(schema: JsonValue): GbnfMachine {
    const result = attempt(schema);
    if (!("grammar" in result)) throw new Error(`refused: ${result.keyword}, ${result.reason}`);
    expect(validateGbnf(result.grammar)).toEqual({ isValid: true });
    return new GbnfMachine(result.grammar);
  }

  /** Is refused by this keyword, at the root unless said otherwise, for this reason. */
  function expectRefused(
    schema: JsonValue,
    { keyword, path = "", reason }: { keyword: string; path?: string; reason: RegExp },
  ): void {
    expect(attempt(schema)).toEqual({ keyword, path, reason: expect.stringMatching(reason) });
  }

  /** Takes all of the one texts and none of the others. */
  function expectExactly(
    machine: GbnfMachine,
    { accepts, rejects }: { accepts: readonly string[]; rejects: readonly string[] },
  ): void {
    for (const text of accepts) expect(machine.accepts(text), text.slice(0, 80)).toBe(true);
    for (const text of rejects) expect(machine.accepts(text), text.slice(0, 80)).toBe(false);
  }

  it("refuses deep nesting without overflowing the stack", () => {
    let schema: JsonValue = { type: "string" };
    for (let depth = 0; depth < 5_000; depth += 1)
      schema = { type: "object", properties: { a: schema }, required: ["a"] };
    const reason = /nested more than 512 levels deep/;
    expectRefused(schema, { keyword: "properties", reason });
    let wrapped: JsonValue = { type: "string" };
    for (let depth = 0; depth < 5_000; depth += 1) wrapped = { allOf: [wrapped] };
    expectRefused(wrapped, { keyword: "allOf", reason });
    let chosen: JsonValue = { type: "string" };
    for (let depth = 0; depth < 5_000; depth += 1) chosen = { anyOf: [chosen, { type: "null" }] };
    expectRefused(chosen, { keyword: "anyOf", reason });
    let nested: JsonValue = { type: "string" };
    for (let depth = 0; depth < 5_000; depth += 1) nested = { oneOf: [nested, { type: "null" }] };
    expectRefused(nested, { keyword: "oneOf", reason });
  });

  it("takes an object that is used in many places", () => {
    let schema: JsonValue = { type: "string" };
    for (let depth = 0; depth < 60; depth += 1) {
      schema = { type: "object", properties: { a: schema, b: schema }, required: ["a"] };
    }
    const nested = (innermost: string, depth: number): string => '{"a":'.repeat(depth) + innermost + "}".repeat(depth);
    expectExactly(taken(schema), {
      accepts: [nested('"x"', 60), nested(`{"a":${nested('"x"', 58)},"b":${nested('"y"', 58)}}`, 1)],
      rejects: [nested('"x"', 59), nested('"x"', 61), nested("1", 60), nested('{"b":"x"}', 59), "{}"],
    });
  });

  it("refuses deep values and deep unions, and takes bounds of many digits", () => {
    let value: JsonValue = 1;
    for (let depth = 0; depth < 100_000; depth += 1) value = [value];
    expectRefused({ enum: [value] }, { keyword: "enum", reason: /nested more than 512 levels deep/ });
    expectRefused({ const: value }, { keyword: "const", reason: /nested more than 512 levels deep/ });
    const names = Array.from({ length: 400 }, (_, index) => `p${index}`);
    const prefixes = names.map((_, count) => ({
      type: "object",
      properties: Object.fromEntries(names.slice(0, count).map((name) => [name, { type: "null" }])),
      required: names.slice(0, count),
      additionalProperties: false,
    }));
    expectRefused({ anyOf: prefixes }, { keyword: "anyOf", reason: /groups are nested too deeply/ });
    const object = (keys: readonly string[]): string => `{${keys.map((key) => `"${key}":null`).join(",")}}`;
    expectExactly(taken({ anyOf: prefixes.slice(0, 100) }), {
      accepts: ["{}", object(names.slice(0, 1)), object(names.slice(0, 50)), object(names.slice(0, 99))],
      rejects: [object(names.slice(0, 100)), object(names.slice(1, 2)), object(["p0", "p0"])],
    });
    // Numbers of that size have some sixteen digits: what lies between two of them is not looked at.
    const tail = (digit: number): string => String(digit).repeat(25);
    expectExactly(taken({ type: "integer", minimum: 1.2345678912345e38, maximum: 9.8765432198765e38 }), {
      accepts: [`12345678912345${tail(1)}`, `5${"9".repeat(38)}`, `98765432198764${tail(5)}`],
      rejects: [
        `12345678912344${tail(5)}`,
        `98765432198765${tail(1)}`,
        "5".repeat(38),
        "5".repeat(40),
        `-${"5".repeat(39)}`,
        `${"5".repeat(39)}.5`,
      ],
    });
    expectRefused(
      { type: "number", minimum: 1.2345678912345e-30, maximum: 9.8765432198765e20 },
      { keyword: "minimum", reason: /too many digits/ },
    );
    expectExactly(taken({ type: "number", minimum: -1.2345678912345e-12, maximum: 9.8765432198765e20 }), {
      accepts: ["0", "1.5", "-0.000000000001", "-0.0000000000012345", "987654321987650000000"],
      rejects: ["-1", "-0.1", "-0.0000000000013", "987654321987650000001", "1000000000000000000000"],
    });
  });

  it("takes thousands of enum values, and refuses more than a grammar can hold", () => {
    const numbered = taken({ enum: Array.from({ length: 5_000 }, (_, index) => `value number ${index}`) });
    expectExactly(numbered, {
      accepts: ['"value number 0"', '"value number 4999"'],
      rejects: ['"value number 5000"', '"value number "', '"value number 04999"'],
    });
    expectRefused(
      { enum: Array.from({ length: 200_000 }, (_, index) => `a value of some length ${index * 7919}`) },
      { keyword: "enum", reason: /more than 200000 elements/ },
    );
    const growing = taken({ enum: Array.from({ length: 3_000 }, (_, index) => "a".repeat(index)) });
    const quoted = (length: number): string => `"${"a".repeat(length)}"`;
    expectExactly(growing, {
      accepts: [0, 1, 1_500, 2_999].map(quoted),
      rejects: [quoted(3_000), '"b"', `"${"a".repeat(1_500)}b"`],
    });
  });

  it("lowers an upper bound that is beyond counting to 100,000, and refuses such a lower one", () => {
    const repeated = { keyword: "minLength", reason: /more than 100000 repetitions/ };
    const list = (length: number): string => `[${Array.from({ length }, () => "null").join(",")}]`;
    expectExactly(taken({ type: "array", items: { type: "null" }, maxItems: 1e9 }), {
      accepts: [0, 1, 500].map(list),
      rejects: ["[null,]", "[1]"],
    });
    expectRefused({ type: "array", items: { type: "null" }, minItems: 1e9 }, { ...repeated, keyword: "minItems" });
    const quoted = (length: number): string => `"${"a".repeat(length)}"`;
    expectExactly(taken({ type: "string", maxLength: Number.MAX_SAFE_INTEGER }), {
      accepts: [quoted(0), quoted(100_000), '"\\u00e9 é"'],
      rejects: [quoted(100_001), '"', "a"],
    });
    expectRefused({ type: "string", minLength: 1e15 }, repeated);
    expectExactly(taken({ type: "string", pattern: "^[a-z]+$", maxLength: 1e9 }), {
      accepts: [quoted(1), quoted(999), '"xyz"'],
      rejects: [quoted(0), quoted(1_000), '"A"', '"a1"', '"a"b'],
    });
  });

  it("counts exactly beyond llama.cpp's own limit of repetitions", () => {
    const machine = new GbnfMachine(jsonSchemaToGbnf({ type: "string", minLength: 2_100, maxLength: 4_500 }));
    for (const [length, isIn] of [
      [2_099, false],
      [2_100, true],
      [3_333, true],
      [4_500, true],
      [4_501, false],
    ] as const) {
      expect(machine.accepts(JSON.stringify("x".repeat(length))), String(length)).toBe(isIn);
    }
  });

  it("adds up nested bounds and refuses too many of them", () => {
    let schema: JsonValue = { type: "null" };
    for (let depth = 0; depth < 20; depth += 1) {
      schema = { type: "array", items: schema, minItems: 1_000, maxItems: 2_000 };
    }
    // Rules refer to each other, so the size is the sum of the bounds, not their product.
    expectExactly(taken(schema), { accepts: [], rejects: ["[]", "null", "[[null]]"] });
    const lengths = Array.from({ length: 500 }, (_, index) => ({
      type: "string",
      minLength: index,
      maxLength: 20_000,
    }));
    expectRefused({ anyOf: lengths }, { keyword: "anyOf", reason: /unroll to more than 200000 elements/ });
  });

  it.each([
    ["(a+)+$", ["a", "ba"], ["", "ab"]],
    ["^(a|a)*$", ["", "aaa"], ["b"]],
    ["^(a|aa)+$", ["a", "aaa"], ["", "b"]],
    ["^(.*)*$", ["", "x y"], ["\n"]],
    ["^((a*)*)*$", ["", "aaa"], ["b"]],
    ["(x+x+)+y", ["xxy", "axxyb"], ["xy", "xx"]],
    ["^(([a-z])+.)+[A-Z]([a-z])+$", ["a.Bc", "abXc"], ["a.B", "Bc"]],
    [`^${"(a|b)".repeat(700)}$`, ["ab".repeat(350)], ["ab".repeat(349), `${"ab".repeat(350)}a`, "c".repeat(700)]],
    ["^[^]*$", ["", "x\ny"], []],
    ["^\\p{L}+\\p{N}*\\P{L}$", ["é1!", "ж1"], ["1!", "a"]],
  ])("takes the pattern %s, and nothing but it", (pattern, accepts, rejects) => {
    const matcher = new RegExp(pattern, "u");
    for (const text of accepts) expect(text).toMatch(matcher);
    for (const text of rejects) expect(text).not.toMatch(matcher);
    const machine = taken({ type: "string", pattern });
    const quoted = (texts: readonly string[]): string[] => texts.map((text) => JSON.stringify(text));
    expectExactly(machine, { accepts: quoted(accepts), rejects: [...quoted(rejects), "null", ""] });
    const text: unknown = JSON.parse(machine.sample(seededSampler(1)));
    // Short texts only: V8's matcher is the one that backtracks.
    if (String(text).length < 20) expect(String(text)).toMatch(matcher);
  });

  it.each([
    ["^(.{0,99}){0,99}$", /too ambiguous or repeats too much/],
    ["^.{0,1000}x.{0,1000}$", /more than 3000 states/],
    ["(){1000000000}", /too ambiguous or repeats too much/],
    ["^(){0,1000000000}$", /too ambiguous or repeats too much/],
    ["^a{1000000000}$", /repeats too much/],
    ["^(a{1000}){1000}$", /repeats too much/],
    ["^(((a{100}){100}){100}){100}$", /repeats too much/],
    [`^${"(".repeat(500)}a${")".repeat(500)}$`, /groups are nested too deeply/],
    ["^(a?){2000}a{2000}$", /too ambiguous or repeats too much/],
    ["[]", /no string satisfies it/],
  ])("refuses the pattern %s", (pattern, reason) => {
    expectRefused({ type: "string", pattern }, { keyword: "pattern", reason });
  });

  it("refuses combinations that multiply, and says which", () => {
    const choice = { anyOf: Array.from({ length: 10 }, (_, index) => ({ const: index })) };
    const combinations = { keyword: "anyOf", reason: /more than 512 combinations/ };
    expectRefused(
      { allOf: Array.from({ length: 10 }, () => structuredClone(choice)) },
      { ...combinations, path: "/allOf/9" },
    );
    expectRefused({ anyOf: Array.from({ length: 50_000 }, () => ({ type: "string" })) }, combinations);
    const many = Array.from({ length: 5_000 }, () => ({}));
    expectRefused({ anyOf: many, oneOf: many }, combinations);
    const atOnce = { keyword: "allOf", reason: /more than 1000 schemas would have to hold at once/ };
    expectRefused({ allOf: Array.from({ length: 50_000 }, () => ({})) }, { ...atOnce, path: "/allOf/0" });
    const chain = Array.from({ length: 3_000 }, (_, index) => [`d${index}`, { $ref: `#/$defs/d${index + 1}` }]);
    expectRefused({ $ref: "#/$defs/d0", $defs: Object.fromEntries(chain) }, { ...atOnce, path: "/$defs/d499" });
    const properties = (length: number): Record<string, JsonValue> =>
      Object.fromEntries(Array.from({ length }, (_, index) => [`p${index}`, {}]));
    const tooLarge = { keyword: "properties", reason: /grammar exceeds 524288 bytes/ };
    expectRefused({ type: "object", properties: properties(20_000) }, tooLarge);
    expectRefused(
      { type: "object", properties: properties(200), minProperties: 100, additionalProperties: false },
      tooLarge,
    );
  });

  it("reads names of object prototypes as names", () => {
    const schema = JSON.parse(
      '{"type":"object","properties":{"__proto__":{"type":"integer"},"constructor":{"type":"string"}},"required":["__proto__","toString"],"additionalProperties":{"type":"boolean"}}',
    ) as JsonValue;
    const machine = new GbnfMachine(jsonSchemaToGbnf(schema));
    expect(machine.accepts('{"__proto__":1,"constructor":"c","toString":true,"valueOf":false}')).toBe(true);
    expect(machine.accepts('{"__proto__":1,"toString":true}')).toBe(true);
    expect(machine.accepts('{"__proto__":"x","toString":true}')).toBe(false);
    expect(machine.accepts('{"toString":true}')).toBe(false);
    expect(refusal({ $ref: "#/constructor" })).toMatchObject({ keyword: "$ref" });
    expectExactly(taken(JSON.parse('{"type":"string","format":"__proto__"}') as JsonValue), {
      accepts: ['"x"'],
      rejects: ["1"],
    });
  });

  it("lets no schema inject rules into the grammar", () => {
    const injection = '" | "free text" #\nroot ::= [a-z]*';
    const machine = new GbnfMachine(
      jsonSchemaToGbnf({
        type: "object",
        properties: { [injection]: { const: injection } },
        required: [injection],
        additionalProperties: false,
      }),
    );
    expect(machine.accepts(JSON.stringify({ [injection]: injection }))).toBe(true);
    expect(machine.accepts("free text")).toBe(false);
  });

  it("keeps halves of surrogate pairs out, and lets escaped ones through where a name has them", () => {
    const machine = new GbnfMachine(jsonSchemaToGbnf({ type: "string" }));
    expect(machine.accepts('"\\ud83d\\ude00"')).toBe(true);
    expect(machine.accepts('"\\ud83d"')).toBe(false);
    expect(machine.accepts('"\\ude00"')).toBe(false);
    expect(machine.accepts('"\\ud83dx"')).toBe(false);
    expect(machine.accepts('"\\ud012\\udc00"')).toBe(false);
    const named = new GbnfMachine(jsonSchemaToGbnf({ enum: ["\ud83d"] }));
    expect(named.accepts('"\\ud83d"')).toBe(true);
  });
});
