// Tools and schemas that no grammar can hold altogether, in requests: only a strict one that may be called refuses, all others are
// answered, and the first event names what is not enforced.
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createLlamaBackend } from "../../../src/backends/llama/backend.ts";
import type { Backend } from "../../../src/domain/backend.ts";
import type { ChatRequest, ToolDefinition } from "../../../src/domain/chat.ts";
import { chat, streamChat, testContext, textSpec } from "../../support/llama.ts";
import { storyModel } from "../../support/story-model.ts";

const path = storyModel;
const odd: Record<string, unknown> = {
  uniqueItems: { type: "array", items: { type: "integer" }, uniqueItems: true },
  patternProperties: { type: "object", patternProperties: { "\\bx": {} } },
  not: { type: "string", not: { pattern: "a" } },
  pattern: { type: "string", pattern: "\\bx" },
  format: { type: "integer", format: "uint128" },
};

function tool(name: string, { property, strict }: { property: unknown; strict: boolean }): ToolDefinition {
  const parameters = { type: "object", properties: { a: property }, required: ["a"], additionalProperties: false };
  return { name, parameters, strict };
}

const fine = tool("fine", { property: { enum: ["x", "y"] }, strict: true });

/** Short, because the model's context is. */
const template =
  "{% for tool in tools %}{{ tool.function.name }}{% endfor %}{% for message in messages %}{{ message.content }}\n{% endfor %}";

describe("a tool that no grammar can hold altogether", () => {
  let backend: Backend;
  beforeAll(async () => {
    const options = { parallel: 2, family: "hermes", chatTemplate: template } as const;
    backend = await createLlamaBackend(textSpec(path, options), testContext());
  });
  afterAll(async () => {
    await backend.dispose();
  });

  async function warnings(request: Partial<ChatRequest>): Promise<readonly string[]> {
    for await (const event of streamChat(backend, request)) {
      return event.type === "accepted" ? (event.warnings ?? []) : [];
    }
    return [];
  }

  it.each(Object.entries(odd))("is answered and named where it is not strict: %s", async (keyword, property) => {
    const tools = [fine, tool("odd", { property, strict: false })];
    const limits = { maxTokens: 8, stop: [] };
    const named = expect.stringContaining(`"${keyword}" at {/tools[1].parameters}/properties/a is not enforced`);
    expect(await warnings({ tools, toolChoice: { type: "required" }, limits })).toEqual([named]);
    expect(await warnings({ tools, toolChoice: { type: "named", name: "fine" }, limits })).toEqual([]);
  });

  it.each(Object.entries(odd).filter(([keyword]) => keyword !== "format"))(
    "is refused where it is strict and may be called: %s",
    async (keyword, property) => {
      const tools = [fine, tool("odd", { property, strict: true })];
      const limits = { maxTokens: 8, stop: [] };
      await expect(chat(backend, { tools, toolChoice: { type: "required" }, limits })).rejects.toMatchObject({
        kind: "unsupported_schema",
        param: "tools[1].parameters",
        message: expect.stringContaining(`"${keyword}"`),
      });
      await chat(backend, { tools, toolChoice: { type: "named", name: "fine" }, limits });
      await chat(backend, { tools, toolChoice: { type: "none" }, limits });
    },
  );
});
