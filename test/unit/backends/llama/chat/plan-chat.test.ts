import { describe, expect, it } from "vitest";
import {
  createChatTemplate,
  type ChatTemplate,
} from "../../../../../src/backends/llama/chat/template/chat-template.ts";
import { planChat } from "../../../../../src/backends/llama/chat/plan-chat.ts";
import type { ChatRequest } from "../../../../../src/domain/chat.ts";
import { chatRequest, type WireTool } from "../../../../support/chat-request.ts";

const TOOLS: readonly WireTool[] = [
  { function: { name: "lookup", parameters: { type: "object", properties: { q: { type: "string" } } } } },
  { function: { name: "store", parameters: { type: "object", properties: {} } } },
];
const STRICT_TOOLS = TOOLS.map((tool) => ({ function: { ...tool.function, strict: true } }));

function request(overrides: Partial<ChatRequest> = {}, tools = TOOLS): ChatRequest {
  return chatRequest({ messages: [{ role: "user", content: "hi" }], tools }, overrides);
}

/** A template of a family; its generation prompt ends as given. */
function family(name: string, generationPrompt = "<assistant>"): ChatTemplate {
  const source = `{%- for m in messages -%}<{{ m.role }}>{{ m.content }}{%- endfor -%}{{ '${generationPrompt}' }}`;
  return createChatTemplate({ source, bosToken: "", eosToken: "", controlTexts: [], family: name });
}

const JSON_OBJECT = { type: "json-object" } as const;

describe("tool choice", () => {
  it("auto parses calls and constrains nothing", () => {
    const plan = planChat(request(), family("hermes"));
    expect(plan.grammar).toBeNull();
    expect(plan.parser.tools.map((tool) => tool.name)).toEqual(["lookup", "store"]);
    expect(plan.parser.parallel).toBe(true);
  });

  it("none parses no calls", () => {
    const plan = planChat(request({ toolChoice: { type: "none" } }), family("hermes"));
    expect(plan.parser.tools).toEqual([]);
    expect(plan.grammar).toBeNull();
  });

  it("required constrains the answer to calls, after free reasoning", () => {
    const plan = planChat(request({ toolChoice: { type: "required" } }), family("hermes"));
    expect(plan.grammar).toMatchObject({
      type: "tool-calls",
      parallel: true,
      shape: { kind: "json", open: "<tool_call>\n" },
    });
    expect(plan.grammarStart).toEqual({
      when: "after-free-part",
      ways: [{ open: "<think>", ends: ["</think>"], closing: "\n</think>" }],
      between: "",
    });
  });

  it("required constrains from the first token where the family does not reason", () => {
    const plan = planChat(request({ toolChoice: { type: "required" } }), family("command-r"));
    expect(plan.grammarStart).toEqual({ when: "immediately" });
  });

  it("named allows the one tool, once", () => {
    const plan = planChat(request({ toolChoice: { type: "named", name: "store" } }), family("hermes"));
    expect(plan.grammar).toMatchObject({ tools: [{ name: "store" }], parallel: false });
    expect(() => planChat(request({ toolChoice: { type: "named", name: "nobody" } }), family("hermes"))).toThrow(
      "nobody",
    );
  });

  it("allowed tools are the only ones", () => {
    const toolChoice = { type: "allowed", mode: "required", names: ["store"] } as const;
    expect(planChat(request({ toolChoice }), family("hermes")).grammar).toMatchObject({ tools: [{ name: "store" }] });
    expect(() => planChat(request({ toolChoice }, []), family("hermes"))).toThrow("no tool");
  });

  it("strict tools get a lazy grammar under auto", () => {
    const plan = planChat(request({}, STRICT_TOOLS), family("hermes"));
    expect(plan.grammar).toMatchObject({ type: "tool-calls" });
    expect(plan.grammarStart).toEqual({ when: "after-trigger", triggers: [{ text: "<tool_call>" }] });
  });

  it("triggers name the tools where the family's calls begin with the name", () => {
    const plan = planChat(request({}, STRICT_TOOLS), family("functionary-v3.2", ">>>"));
    expect(plan.grammarStart).toEqual({
      when: "after-trigger",
      triggers: [
        { text: ">>>lookup\n" },
        { text: ">>>store\n" },
        { text: "lookup\n", atStart: true, assumed: ">>>" },
        { text: "store\n", atStart: true, assumed: ">>>" },
      ],
    });
    expect(plan.grammar).toMatchObject({ shape: { beforeEach: ">>>" } });
  });

  it("without parallel calls allows one call", () => {
    expect(planChat(request({ parallelToolCalls: false }), family("hermes")).parser.parallel).toBe(false);
  });
});

describe("reasoning", () => {
  it("is recognised at the end of the prompt", () => {
    const open = planChat(request(), family("hermes", "<assistant><think>\\n"));
    expect(open.openReasoning).toEqual({ open: "<think>", close: "</think>" });
    const closed = planChat(request(), family("hermes", "<assistant><think>\\n\\n</think>\\n\\n"));
    expect(closed.openReasoning).toBeUndefined();
  });

  it("stays free before constrained text", () => {
    const constraint = { type: "json-schema", name: "a", schema: true, strict: true } as const;
    const open = planChat(request({ constraint }, []), family("hermes", "<assistant><think>\\n"));
    expect(open.grammar).toEqual({ type: "json-schema", schema: true, strict: true });
    expect(open.grammarStart).toEqual({
      when: "after-free-part",
      ways: [{ open: "", ends: ["</think>"], closing: "\n</think>" }],
      between: "",
    });
    const harmony = planChat(request({ constraint }, []), family("harmony"));
    expect(harmony.grammar).toMatchObject({ type: "headed-text", textOpen: "<|channel|>final<|message|>" });
    expect(harmony.grammarStart).toEqual({
      when: "after-free-part",
      ways: [{ open: "<|channel|>analysis<|message|>", ends: ["<|end|>"], closing: "<|end|>" }],
      between: "<|start|>assistant",
    });
    expect(harmony.parser.finalTextOnly).toBe(true);
  });
});

describe("constrained text", () => {
  it("beside callable tools is a call or the text", () => {
    const plan = planChat(request({ constraint: JSON_OBJECT }), family("command-r7b"));
    expect(plan.grammar).toMatchObject({
      type: "calls-or-text",
      calls: { type: "tool-calls" },
      textOpen: "<|START_RESPONSE|>",
      text: JSON_OBJECT,
    });
  });

  it("gives way to a call that must be made", () => {
    const plan = planChat(request({ constraint: JSON_OBJECT, toolChoice: { type: "required" } }), family("hermes"));
    expect(plan.grammar).toMatchObject({ type: "tool-calls" });
  });

  it("begins at once behind a recipient that the prompt writes", () => {
    const plan = planChat(request({ constraint: JSON_OBJECT }, []), family("functionary-v3.2", "<assistant>>>>"));
    expect(plan.prompt.text.endsWith(">>>all\n")).toBe(true);
    expect(plan.parser.startsInText).toBe(true);
  });

  it("by a caller's grammar cannot stand beside tools", () => {
    expect(() =>
      planChat(request({ constraint: { type: "grammar", grammar: 'root ::= "a"' } }), family("hermes")),
    ).toThrow("tools");
  });
});
