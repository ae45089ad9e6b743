// Grammars of calls in several families' formats: names are fixed, arguments follow the tool's schema, and the number of calls is
// limited.
import { Ajv2020 } from "ajv/dist/2020.js";
import { describe, expect, it } from "vitest";
import { validateGbnf } from "../../../../../src/backends/llama/grammar/gbnf/gbnf-validate.ts";
import {
  toolCallGrammar,
  type ToolCallShape,
  type ToolCallTool,
} from "../../../../../src/backends/llama/grammar/tool-call-grammar.ts";
import { GbnfMachine, seededSampler } from "./support/gbnf-machine.ts";

const weather: ToolCallTool = {
  name: "get_weather",
  parameters: {
    type: "object",
    properties: { city: { type: "string" }, unit: { enum: ["c", "f"] } },
    required: ["city"],
    additionalProperties: false,
  },
};
const move: ToolCallTool = {
  name: "move",
  parameters: {
    type: "object",
    properties: {
      x: { type: "integer", minimum: 0, maximum: 9 },
      path: { type: "array", items: { $ref: "#/properties/x" } },
    },
    required: ["x"],
  },
};
const stop: ToolCallTool = { name: "stop" };

const hermes: ToolCallShape = {
  callPrefix: "<tool_call>\n",
  body: { kind: "json", nameKey: "name", argumentsKey: "arguments" },
  callSuffix: "\n</tool_call>",
  separator: "\n",
};
const mistral: ToolCallShape = {
  listPrefix: "[TOOL_CALLS][",
  body: { kind: "json", nameKey: "name", argumentsKey: "arguments", id: { key: "id", pattern: "[a-zA-Z0-9]{9}" } },
  separator: ", ",
  listSuffix: "]",
};
const functionary: ToolCallShape = {
  body: { kind: "text", beforeName: "<function=", afterName: ">" },
  callSuffix: "</function>",
};

describe("toolCallGrammar", () => {
  it("writes a Hermes call", () => {
    const machine = new GbnfMachine(toolCallGrammar({ tools: [weather, stop], parallel: false, shape: hermes }));
    const call = (text: string): string => `<tool_call>\n${text}\n</tool_call>`;
    expect(machine.accepts(call('{"name": "get_weather", "arguments": {"city": "Oslo", "unit": "c"}}'))).toBe(true);
    expect(machine.accepts(call('{"name":"stop","arguments":{}}'))).toBe(true);
    expect(machine.accepts(call('{"name": "stop", "arguments": {"city": "Oslo"}}'))).toBe(false);
    expect(machine.accepts(call('{"name": "get_weather", "arguments": {}}'))).toBe(false);
    expect(machine.accepts(call('{"name": "other", "arguments": {}}'))).toBe(false);
    const two = `${call('{"name":"stop","arguments":{}}')}\n${call('{"name":"stop","arguments":{}}')}`;
    expect(machine.accepts(two)).toBe(false);
    const parallel = new GbnfMachine(
      toolCallGrammar({ tools: [weather, stop], parallel: true, shape: hermes, maxCalls: 3 }),
    );
    expect(parallel.accepts(two)).toBe(true);
    expect(parallel.accepts(Array.from({ length: 4 }, () => call('{"name":"stop","arguments":{}}')).join("\n"))).toBe(
      false,
    );
  });

  it("writes a Mistral list with ids", () => {
    const machine = new GbnfMachine(toolCallGrammar({ tools: [move], parallel: true, shape: mistral }));
    const call = '{"name": "move", "arguments": {"x": 3, "path": [1, 2]}, "id": "abcDEF123"}';
    expect(machine.accepts(`[TOOL_CALLS][${call}]`)).toBe(true);
    expect(machine.accepts(`[TOOL_CALLS][${call}, ${call}]`)).toBe(true);
    expect(machine.accepts(`[TOOL_CALLS][${call.replace("abcDEF123", "short")}]`)).toBe(false);
    expect(machine.accepts(`[TOOL_CALLS][${call.replace('"x": 3', '"x": 10')}]`)).toBe(false);
    expect(machine.accepts("[TOOL_CALLS][]")).toBe(false);
  });

  it("writes the name as bare text where a family does", () => {
    const machine = new GbnfMachine(toolCallGrammar({ tools: [weather, move], parallel: true, shape: functionary }));
    expect(machine.accepts('<function=get_weather>{"city": "Oslo"}</function><function=move>{"x":1}</function>')).toBe(
      true,
    );
    expect(machine.accepts('<function=move>{"city": "Oslo"}</function>')).toBe(false);
  });

  it("makes arguments an object whatever the schema says, and refuses a schema that forbids it", () => {
    const grammarFor = (tool: ToolCallTool): string =>
      toolCallGrammar({ tools: [tool], parallel: false, shape: hermes });
    const call = (name: string, value: string): string =>
      `<tool_call>\n{"name": "${name}", "arguments": ${value}}\n</tool_call>`;
    const machine = new GbnfMachine(grammarFor({ name: "any", parameters: {} }));
    expect(machine.accepts(call("any", '{"anything": [1]}'))).toBe(true);
    expect(machine.accepts(call("any", "1"))).toBe(false);
    expect(() => grammarFor({ name: "bad", parameters: { type: "string" } })).toThrow(/"type"/);
    const none = new GbnfMachine(grammarFor({ name: "none", parameters: { type: "object", properties: {} } }));
    expect(none.accepts(call("none", "{}"))).toBe(true);
  });

  it("names the tool whose schema cannot be enforced", () => {
    const bad: ToolCallTool = {
      name: "bad",
      parameters: { type: "object", properties: { a: { not: { minLength: 3 } } } },
    };
    expect(() => toolCallGrammar({ tools: [weather, bad], parallel: false, shape: hermes })).toThrow(
      expect.objectContaining({ keyword: "not", path: "/tools/1/parameters/properties/a" }),
    );
    const pathOf = (index: number): string => `/functions/${index}/parameters`;
    expect(() => toolCallGrammar({ tools: [bad], parallel: false, shape: hermes, pathOf })).toThrow(
      expect.objectContaining({ path: "/functions/0/parameters/properties/a" }),
    );
  });

  it("writes names and markers with quotes, line breaks and other scripts as they are", () => {
    const shape: ToolCallShape = { ...functionary, callSuffix: '<｜tool▁call▁end｜>"\\\n' };
    const machine = new GbnfMachine(toolCallGrammar({ tools: [{ name: 'na"me' }], parallel: false, shape }));
    expect(machine.accepts('<function=na"me>{}<｜tool▁call▁end｜>"\\\n')).toBe(true);
  });

  it("generates only calls whose arguments are valid for the tool they name", () => {
    const tools = [weather, move, stop];
    const grammar = toolCallGrammar({ tools, parallel: true, shape: hermes });
    expect(validateGbnf(grammar)).toEqual({ isValid: true });
    const machine = new GbnfMachine(grammar);
    const ajv = new Ajv2020({ strict: false });
    const validators = new Map(
      tools.map((tool) => [tool.name, ajv.compile((tool.parameters ?? { maxProperties: 0 }) as object)]),
    );
    for (let seed = 0; seed < 60; seed += 1) {
      const text = machine.sample(seededSampler(seed));
      const calls = text.split("\n</tool_call>").slice(0, -1);
      expect(calls.length).toBeGreaterThan(0);
      for (const call of calls) {
        const body = JSON.parse(call.replace(/^\n?<tool_call>\n/, "")) as { name: string; arguments: unknown };
        expect(validators.get(body.name)?.(body.arguments), call).toBe(true);
      }
    }
  });
});
