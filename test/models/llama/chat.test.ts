// Chats: what the API promises whatever a model says.
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createLlamaBackend } from "../../../src/backends/llama/backend.ts";
import type { Backend } from "../../../src/domain/backend.ts";
import type { ChatRequest, ToolDefinition } from "../../../src/domain/chat.ts";
import { applyTemplate, chat, testContext, textSpec } from "../../support/llama.ts";
import { storyToken, storyModel } from "../../support/story-model.ts";

const path = storyModel;

const weather: ToolDefinition = {
  name: "get_weather",
  parameters: {
    type: "object",
    properties: { city: { enum: ["Paris", "Oslo"] }, days: { type: "integer", minimum: 1, maximum: 7 } },
    required: ["city", "days"],
    additionalProperties: false,
  },
  strict: true,
};
const time: ToolDefinition = {
  name: "get_time",
  parameters: { type: "object", properties: {}, additionalProperties: false },
  strict: false,
};

/** ChatML with tools, so that the model without a template speaks Hermes. */
const hermesTemplate = `{%- if tools %}<|im_start|>system
Tools: {% for tool in tools %}{{ tool | tojson }}
{% endfor %}For each function call return <tool_call>\\n{"name": <function-name>, "arguments": <args-json-object>}\\n</tool_call><|im_end|>
{% endif %}{%- for message in messages %}<|im_start|>{{ message.role }}
{{ message.content }}<|im_end|>
{% endfor %}{%- if add_generation_prompt %}<|im_start|>assistant
{% endif %}`;

describe("chats of a model without a template", () => {
  let backend: Backend;
  let hermes: Backend;
  beforeAll(async () => {
    backend = await createLlamaBackend(textSpec(path, { parallel: 3 }), testContext());
    hermes = await createLlamaBackend(
      textSpec(path, { parallel: 2, contextSize: 1536, chatTemplate: hermesTemplate }),
      testContext(),
    );
  });
  afterAll(async () => {
    await backend.dispose();
    await hermes.dispose();
  });

  const user = (text: string): ChatRequest["messages"] => [{ role: "user", content: [{ type: "text", text }] }];

  it("renders the template and tokenises it as the chat will", async () => {
    const { prompt, tokens } = await applyTemplate(backend, { messages: user("Tell me a story") });
    expect(prompt).toContain("Tell me a story");
    expect(tokens[0]).toBe(storyToken.bos);
    const { usage } = await chat(backend, { messages: user("Tell me a story") });
    expect(usage.promptTokens).toBe(tokens.length);
  });

  it("takes what a user writes as characters, never as control tokens", async () => {
    const { tokens } = await applyTemplate(backend, { messages: user("<s> </s> <unk>") });
    expect(tokens.slice(1).some((id) => id <= storyToken.eos)).toBe(false);
  });

  it("reuses the evaluated history of a conversation", async () => {
    const first = await chat(backend, { messages: user("One day Lily went to the park with her mom and her dog.") });
    const messages: ChatRequest["messages"] = [
      ...user("One day Lily went to the park with her mom and her dog."),
      { role: "assistant", content: [{ type: "text", text: first.choices[0]!.text.trim() }], toolCalls: [] },
      ...user("And then?"),
    ];
    const second = await chat(backend, { messages });
    expect(second.usage.cachedTokens).toBeGreaterThanOrEqual(first.usage.promptTokens - 2);
    expect(second.usage.promptTokens).toBeGreaterThan(second.usage.cachedTokens);
  });

  it("gives log-probabilities whose tokens join to the text", async () => {
    const { choices } = await chat(backend, { topLogprobs: 3, limits: { maxTokens: 40, stop: [] } });
    const { text, logprobs } = choices[0]!;
    const bytes = Buffer.from(logprobs.flatMap((token) => [...token.bytes]));
    expect(bytes.toString("utf8").trim()).toBe(text.trim());
    for (const token of logprobs) expect(token.top[0]!.logprob).toBeGreaterThanOrEqual(token.logprob!);
  });

  it.each(["required", "named"] as const)("forces a call whose arguments follow the schema: %s", async (type) => {
    const { choices } = await chat(hermes, {
      tools: [weather, time],
      toolChoice: type === "required" ? { type } : { type, name: "get_weather" },
      parallelToolCalls: false,
      n: 3,
      sampling: { temperature: 1.5, seed: 4 },
      limits: { maxTokens: 300, stop: [] },
    });
    for (const { calls, finish, text } of choices) {
      expect(text).toBe("");
      expect(calls).toHaveLength(1);
      expect(finish).toBe("tool-calls");
      const { name, arguments: text_ } = calls[0]!;
      const value = JSON.parse(text_) as Record<string, unknown>;
      if (type === "named" || name === "get_weather") {
        expect(name).toBe("get_weather");
        expect(["Paris", "Oslo"]).toContain(value["city"]);
        expect(value["days"]).toBeTypeOf("number");
      }
    }
  });

  it("writes JSON for response_format, and a grammar's text for a grammar", async () => {
    const { choices } = await chat(backend, {
      constraint: { type: "json-schema", name: "x", schema: { enum: [{ a: 1 }, [true, null]] }, strict: true },
      sampling: { temperature: 1, seed: 2 },
      n: 2,
      limits: { maxTokens: 100, stop: [] },
    });
    for (const { text } of choices) expect([{ a: 1 }, [true, null]]).toContainEqual(JSON.parse(text));
    const grammar = await chat(backend, { constraint: { type: "grammar", grammar: 'root ::= "yes" | "no"' } });
    expect(["yes", "no"]).toContain(grammar.choices[0]!.text);
  });

  it.each([
    [
      { messages: [{ role: "user", content: [{ type: "image", url: "data:image/png;base64,", detail: "auto" }] }] },
      "unsupported_content",
    ],
    [{ tools: [weather], toolChoice: { type: "named", name: "nothing" } }, "invalid_value"],
    [{ limits: { maxTokens: 5000, stop: [] } }, "context_length_exceeded"],
  ] satisfies [Partial<ChatRequest>, string][])("refuses %j", async (request, kind) => {
    await expect(chat(backend, request)).rejects.toMatchObject({ kind });
  });
});
