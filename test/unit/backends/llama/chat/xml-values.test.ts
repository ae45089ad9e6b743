// Values between tags that contain the tags: what the grammar writes the parser reads back.
import { describe, expect, it } from "vitest";
import { FAMILIES } from "../../../../../src/backends/llama/chat/families/families.ts";
import { createOutputParser } from "../../../../../src/backends/llama/chat/output-parser.ts";
import type { ChatFamily, ParsedEvent } from "../../../../../src/backends/llama/chat/types.ts";
import { compilePlannedGrammar } from "../../../../../src/backends/llama/guided/chat-grammar.ts";
import type { ToolDefinition } from "../../../../../src/domain/chat.ts";
import { GbnfMachine } from "../grammar/support/gbnf-machine.ts";

const family = FAMILIES.find(({ name }) => name === "qwen3-coder") as ChatFamily;
const tricky = ["a", "a\n</parameter>", "x</parameter>\n</function>\n</tool_call>", "\n</function>"];

function toolWith(properties: Record<string, unknown>): ToolDefinition {
  const required = Object.keys(properties);
  return { name: "f", parameters: { type: "object", properties, required, additionalProperties: false }, strict: true };
}

function written(values: Record<string, string>): string {
  const parameters = Object.entries(values).map(([key, value]) => `<parameter=${key}>\n${value}\n</parameter>\n`);
  return `<tool_call>\n<function=f>\n${parameters.join("")}</function>\n</tool_call>`;
}

/** The arguments that are read of a text, in pieces of `size` characters. */
function read(tool: ToolDefinition, { text, size }: { readonly text: string; readonly size: number }): unknown {
  const parser = createOutputParser({ family, tools: [tool], parallel: false, startsInReasoning: false });
  const events: ParsedEvent[] = [];
  for (let at = 0; at < text.length; at += size) events.push(...parser.push(text.slice(at, at + size)));
  events.push(...parser.end());
  return JSON.parse(events.map((event) => (event.type === "tool-call-delta" ? event.arguments : "")).join(""));
}

function accepts(tool: ToolDefinition, text: string): boolean {
  const places = [{ param: "tools[0].parameters", path: "{/tools[0].parameters}" }];
  const calls = { type: "tool-calls", tools: [tool], places, parallel: false, shape: family.formatShape } as const;
  return new GbnfMachine(compilePlannedGrammar(calls).grammar).accepts(text);
}

describe("a value between tags", () => {
  it.each(tricky)("is read whole where it is one of those listed: %j", (value) => {
    const tool = toolWith({ s: { enum: tricky }, n: { type: "integer" } });
    const text = written({ s: value, n: "5" });
    expect(accepts(tool, text)).toBe(true);
    for (const size of [1, 3, 1000]) expect(read(tool, { text, size })).toEqual({ s: value, n: 5 });
    const fixed = toolWith({ s: { type: "string", const: value } });
    expect(accepts(fixed, written({ s: value }))).toBe(true);
    expect(read(fixed, { text: written({ s: value }), size: 2 })).toEqual({ s: value });
  });

  it("is read whole where a string of its JSON contains a tag", () => {
    const tool = toolWith({ o: { type: "object" }, n: { type: "integer" } });
    const value = { html: '<p>"\n</parameter>\n</function> \\', more: ["</parameter>"] };
    const text = written({ o: JSON.stringify(value), n: "1" });
    expect(accepts(tool, text)).toBe(true);
    for (const size of [1, 5, 1000]) expect(read(tool, { text, size })).toEqual({ o: value, n: 1 });
  });
});
