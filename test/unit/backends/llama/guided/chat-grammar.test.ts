// Grammars of planned chats: schemas that cannot be enforced are refused with their place in the request, several schemas together
// where their grammar is too large.
import { describe, expect, it } from "vitest";
import type { ChatFamily, PlannedGrammar } from "../../../../../src/backends/llama/chat/types.ts";
import { createChatTemplate } from "../../../../../src/backends/llama/chat/template/chat-template.ts";
import { FAMILIES } from "../../../../../src/backends/llama/chat/families/families.ts";
import { planChat } from "../../../../../src/backends/llama/chat/plan-chat.ts";
import { formatCalls } from "../../../../../src/backends/llama/chat/template/messages/tool-text.ts";
import { compilePlannedGrammar } from "../../../../../src/backends/llama/guided/chat-grammar.ts";
import type { ChatRequest, ToolDefinition } from "../../../../../src/domain/chat.ts";
import type { WrittenOrder } from "../../../../../src/util/written-order.ts";
import { chatRequest } from "../../../../support/llama.ts";
import { GbnfMachine } from "../grammar/support/gbnf-machine.ts";

const fine: ToolDefinition = tool("fine", { a: { type: "integer" } });
/** No grammar can enforce a back-reference. */
const wrong: ToolDefinition = tool("wrong", { "a/b": { type: "string", pattern: "^(x+)\\1$" } });

function tool(name: string, properties: Record<string, unknown>): ToolDefinition {
  return { name, parameters: { type: "object", properties, additionalProperties: false }, strict: true };
}

function plan(family: ChatFamily, request: Partial<ChatRequest>): PlannedGrammar {
  const template = createChatTemplate({
    source: "{% for m in messages %}{{ m.content }}{% endfor %}",
    bosToken: "",
    eosToken: "",
    controlTexts: [],
    family: family.name,
  });
  const { grammar } = planChat(chatRequest({ toolChoice: { type: "required" }, ...request }), template);
  if (grammar === null) throw new Error("There is no grammar.");
  return grammar;
}

function refusal(family: ChatFamily, request: Partial<ChatRequest>): unknown {
  try {
    compilePlannedGrammar(plan(family, request));
    return undefined;
  } catch (error) {
    return error;
  }
}

describe.each(FAMILIES.map((family) => ({ name: family.name, family })))(
  "a schema, for the family $name,",
  ({ family }) => {
    const path = family.formatShape.kind === "pythonic" ? "" : "/properties/a~1b";

    it("that cannot be enforced is named by its place in the request", () => {
      expect(refusal(family, { tools: [fine, wrong] })).toMatchObject({
        kind: "unsupported_schema",
        param: "tools[1].parameters",
        message: expect.stringContaining(`{/tools[1].parameters}${path}`),
      });
      expect(refusal(family, { tools: [fine, wrong], toolChoice: { type: "named", name: "wrong" } })).toMatchObject({
        param: "tools[1].parameters",
      });
    });

    it("that is not strict is named in a warning, and holds as far as it can", () => {
      const lax = { ...wrong, strict: false };
      const { grammar, warnings } = compilePlannedGrammar(plan(family, { tools: [fine, lax] }));
      expect(grammar).toContain("wrong");
      expect(warnings).toEqual([expect.stringContaining(`{/tools[1].parameters}${path}`)]);
      const named = plan(family, { tools: [fine, lax], toolChoice: { type: "named", name: "fine" } });
      expect(compilePlannedGrammar(named).warnings).toEqual([]);
    });

    it("of a response that is not strict is named in a warning, too", () => {
      const schema = { type: "string", pattern: "^(x+)\\1$" };
      const constraint = { type: "json-schema", name: "r", schema, strict: false } as const;
      expect(compilePlannedGrammar(plan(family, { constraint, toolChoice: { type: "none" } })).warnings).toEqual([
        expect.stringContaining('"pattern" at the root of {constraint.schema}'),
      ]);
    });

    it("of a response holds in the order in which its keys were written", () => {
      const properties = { 2: { type: "boolean" }, b: { type: "boolean" } };
      const schema = { type: "object", properties, required: ["b"], additionalProperties: false };
      const compiled = (order: WrittenOrder): string => {
        const constraint = { type: "json-schema", name: "r", schema, strict: true, order } as const;
        return compilePlannedGrammar(plan(family, { constraint, toolChoice: { type: "none" } })).grammar;
      };
      expect(compiled({ "/properties": ["b", "2"] })).not.toBe(compiled({ "/properties": ["2", "b"] }));
    });

    it("is not compiled where the tool cannot be called", () => {
      const toolChoice = { type: "allowed", mode: "required", names: ["fine"] } as const;
      expect(refusal(family, { tools: [fine, wrong], toolChoice })).toBeUndefined();
    });

    it("of a response is named by its place, too", () => {
      const constraint = {
        type: "json-schema",
        name: "r",
        schema: { type: "string", pattern: "^(x+)\\1$" },
        strict: true,
      } as const;
      expect(refusal(family, { tools: [fine], toolChoice: { type: "auto" }, constraint })).toMatchObject({
        kind: "unsupported_schema",
        param: "constraint.schema",
      });
    });

    it("with many others of its size is refused where all together are too large", () => {
      const many = Array.from({ length: 40 }, (_, index) => {
        const values = Array.from({ length: 600 }, (__, value) => `${value}:${String(index).repeat(40)}`);
        return tool(`tool_${index}`, { choice: { enum: values } });
      });
      expect(refusal(family, { tools: many.slice(0, 1) })).toBeUndefined();
      expect(refusal(family, { tools: many })).toMatchObject({ kind: "unsupported_schema" });
    });
  },
);

describe("the grammar of calls", () => {
  const marks = { text: (text: string) => text, deep: (value: unknown) => value };
  const weather = tool("weather", { city: { type: "string" }, days: { type: "array", items: { type: "integer" } } });
  const calls = [
    { id: "123456789", name: "weather", arguments: '{"city": "It\'s <Paris> & more", "days": [1, 2]}' },
    { id: "234567891", name: "fine", arguments: '{"a": 1}' },
  ];

  // Templates of the others show calls by themselves, with ids.
  const withoutIds = FAMILIES.filter(({ formatShape }) => !("idKey" in formatShape));

  it.each(withoutIds)("of $name allows calls as history shows them", (family) => {
    const planned = plan(family, { tools: [fine, weather] });
    const grammar = new GbnfMachine(compilePlannedGrammar(planned).grammar);
    const asked = family.callsEndTurn === true ? calls.slice(0, 1) : calls;
    const text = formatCalls(asked, { shape: family.formatShape, marks });
    expect(grammar.accepts(text), text).toBe(true);
    expect(grammar.accepts(text.replace("weather", "rain"))).toBe(false);
  });
});

describe("a string in CDATA", () => {
  const minicpm = FAMILIES.find(({ name }) => name === "minicpm5") as ChatFamily;
  const f: ToolDefinition = tool("f", { s: { type: "string" } });
  const grammar = new GbnfMachine(
    compilePlannedGrammar(plan(minicpm, { tools: [f], parallelToolCalls: false })).grammar,
  );
  const call = (value: string): string => `<function name="f"><param name="s">${value}</param></function>`;

  it.each(["", "plain", "<![CDATA[<b>\n&]]]>", "<![CDATA[]] ]>]]>", "<![CDATA[</param>]]>"])("may be %j", (value) => {
    expect(grammar.accepts(call(value))).toBe(true);
  });

  it.each(["<b>", "a & b", "a\nb", "<![CDATA[a]]>b]]>", "<![CDATA[a"])("may not be %j", (value) => {
    expect(grammar.accepts(call(value))).toBe(false);
  });
});

describe("a string between tags", () => {
  const coder = FAMILIES.find(({ name }) => name === "qwen3-coder") as ChatFamily;
  const call = (value: string): string =>
    `<tool_call>\n<function=f>\n<parameter=s>\n${value}\n</parameter>\n</function>\n</tool_call>`;
  const machine = (schema: Record<string, unknown>): GbnfMachine => {
    const f: ToolDefinition = { ...tool("f", { s: schema }), strict: true };
    return new GbnfMachine(compilePlannedGrammar(plan(coder, { tools: [f], parallelToolCalls: false })).grammar);
  };

  it.each([
    [{ type: "string" }, ["", "a < b\n<b>"], ["</b>"]],
    [{ type: "string", minLength: 2, maxLength: 3 }, ["ab", "a\nb", "🗼🗼🗼"], ["a", "abcd", "a<b"]],
    [{ type: "string", pattern: "^[a-z<]{2}$" }, ["ab"], ["abc", "a<", "A1", '"ab"']],
    [{ type: "string", format: "date" }, ["2024-02-29"], ["2024-13-01", "today"]],
    [{ type: "string", pattern: "^x", maxLength: 3 }, ["x", "xyz"], ["xyzz", "y"]],
    [{ type: "string", anyOf: [{ pattern: "^a+$" }, { const: "b" }] }, ["aa", "b"], ["ab", "bb"]],
    [{ enum: ["red", "blue"] }, ["red"], ["green", '"red"']],
  ] as const)("follows %j", (schema, good, bad) => {
    const grammar = machine(schema);
    for (const value of good) expect(grammar.accepts(call(value)), value).toBe(true);
    for (const value of bad) expect(grammar.accepts(call(value)), value).toBe(false);
  });

  it("is refused where it must contain the character of tags", () => {
    expect(refusal(coder, { tools: [tool("f", { s: { type: "string", pattern: "^<b>$" } })] })).toMatchObject({
      kind: "unsupported_schema",
      message: expect.stringContaining('"pattern" at {/tools[0].parameters}/properties/s'),
    });
  });
});
