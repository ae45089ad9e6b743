// Conversations that OpenAI accepts, through published chat templates: none is refused, no word of it is lost, and nothing is printed
// that nobody wrote. Templates: ../shared/golden/jinja-templates.json and chat-templates.json.
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { createChatTemplate } from "../../src/backends/llama/chat/template/chat-template.ts";
import { chatRequest, type WireMessage, type WireTool } from "../support/chat-request.ts";
import { shared, sharedPath } from "../support/shared.ts";

const templatesNeed = shared("golden", "jinja-templates.json");
const renderingsNeed = shared("golden", "chat-templates.json");

interface Conversation {
  readonly messages: readonly WireMessage[];
  readonly tools?: readonly WireTool[];
}

type Turn = (...words: string[]) => WireMessage;

/** Every word that begins with `word` has to be in the prompt. */
const text = (words: readonly string[]): string => words.map((word) => `word${word}`).join(" ");
const user: Turn = (...words) => ({ role: "user", content: text(words) });
const system: Turn = (...words) => ({ role: "system", content: text(words) });
const assistant: Turn = (...words) => ({ role: "assistant", content: text(words) });
const empty = (role: string): WireMessage => ({ role, content: "" });

const result = (id: string, ...words: string[]): WireMessage => ({
  role: "tool",
  tool_call_id: id,
  content: text(words),
});

function calls(content: string | null, ...ids: string[]): WireMessage {
  return {
    role: "assistant",
    content,
    tool_calls: ids.map((id) => ({
      id,
      function: { name: "get_weather", arguments: JSON.stringify({ city: `word${id}` }) },
    })),
  };
}

const tool: WireTool = {
  function: {
    name: "get_weather",
    description: "wordDescription",
    parameters: {
      type: "object",
      properties: { city: { type: "string", description: "wordCity" } },
      required: ["city"],
    },
  },
};

/** As SDKs write optional parameters. */
const wideTool: WireTool = {
  function: {
    name: "get_weather",
    parameters: {
      type: "object",
      properties: {
        city: { type: ["string", "null"], description: "wordCity", default: null },
        days: { anyOf: [{ type: "integer" }, { type: "null" }], default: null },
        units: { type: "string", enum: ["metric", "imperial"] },
        places: { type: "array", items: { type: ["string", "null"] } },
        more: { type: "object", properties: { deep: { type: ["number", "null"] } } },
        anything: {},
      },
      required: [],
    },
  },
};

const conversations: Readonly<Record<string, Conversation>> = {
  "consecutive turns of the user": { messages: [user("A"), user("B"), assistant("C"), user("D"), user("E")] },
  "a later system message": { messages: [system("A"), user("B"), assistant("C"), system("D"), user("E")] },
  "a system message at the end": { messages: [user("A"), assistant("B"), user("C"), system("D")] },
  "the user after a tool": {
    messages: [user("A"), calls(null, "call00001"), result("call00001", "B"), user("C")],
    tools: [tool],
  },
  "an assistant that speaks first": { messages: [assistant("A"), user("B")] },
  "an assistant that speaks first, behind a system message": { messages: [system("A"), assistant("B"), user("C")] },
  "empty content": { messages: [empty("system"), user("A"), empty("assistant"), empty("user")] },
  "parts in a tool's result": {
    messages: [
      user("A"),
      calls(null, "call00001"),
      {
        role: "tool",
        tool_call_id: "call00001",
        content: [
          { type: "text", text: "wordB" },
          { type: "text", text: "wordC" },
        ],
      },
    ],
    tools: [tool],
  },
  "several calls of one turn": {
    messages: [
      system("A"),
      user("B"),
      calls(null, "call00001", "call00002", "call00003"),
      result("call00001", "C"),
      result("call00002", "D"),
      result("call00003", "E"),
      assistant("F"),
      user("G"),
    ],
    tools: [tool],
  },
  "text beside a call": {
    messages: [user("A"), calls("wordB", "call00001"), result("call00001", "C"), assistant("D"), user("E")],
    tools: [tool],
  },
  "calls without tools in the request": {
    messages: [user("A"), calls(null, "call00001"), result("call00001", "B"), assistant("C"), user("D")],
  },
  "the developer": {
    messages: [{ role: "developer", content: "wordA" }, user("B"), assistant("C"), user("D")],
  },
  "a tool with optional parameters": { messages: [user("A")], tools: [wideTool] },
};

const sources = readTemplates();

describe.skipIf(!templatesNeed.isMet || !renderingsNeed.isMet)(
  `conversations that OpenAI accepts, in a published template${templatesNeed.note}${renderingsNeed.note}`,
  () => {
    const templates = Object.entries(sources).map(([name, source]) => ({
      name,
      template: createChatTemplate({ source, bosToken: "<s>", eosToken: "</s>", controlTexts: ["<s>", "</s>"] }),
    }));
    const cases = templates.flatMap(({ name, template }) =>
      Object.entries(conversations).map(([conversation, wire]) => ({ name, template, conversation, wire })),
    );

    it.each(cases)("are shown whole: $name, $conversation", ({ template, wire }) => {
      const prompt = template.render(chatRequest(wire)).text;
      const words = new Set(JSON.stringify([wire.messages, wire.tools]).match(/word\w+/g));
      expect([...words].filter((word) => !prompt.includes(word))).toEqual([]);
      if (wire.tools !== undefined) expect(prompt).toContain("get_weather");
      expect(prompt).not.toMatch(/\{\s*["']type["']: ["']text["']|\[object |undefined/);
      // Some templates write null of their own accord.
      const withText = template.render(chatRequest({ ...wire, messages: wire.messages.map(withContent) })).text;
      expect(countNulls(prompt)).toBe(countNulls(withText));
    });

    it.each(templates)("show a system message alone, or refuse it by name: $name", ({ template }) => {
      const request = chatRequest({ messages: [system("A")] });
      let prompt: string;
      try {
        prompt = template.render(request).text;
      } catch (error) {
        expect(error).toMatchObject({ kind: "invalid_request", message: expect.stringContaining("add a message") });
        return;
      }
      expect(prompt).toContain("wordA");
    });

    it.each(templates)("show documents, or refuse them by name: $name", ({ template }) => {
      const documents = [{ title: "wordTitle", text: "wordText" }];
      const render = (): string => template.render(chatRequest({ messages: [user("A")] }, { documents })).text;
      const isKnown = /\bdocuments\b/.test(template.source);
      if (isKnown) expect(render()).toMatch(/wordText[^]*wordA|wordA[^]*wordText/);
      else expect(render).toThrow(expect.objectContaining({ kind: "unsupported_parameter", param: "documents" }));
    });

    it.each(templates)("keep the author's default system prompt beside tools: $name", ({ template }) => {
      const [withoutTools = ""] = template.render(chatRequest({ messages: [user("A")] })).text.split("wordA");
      const withTools = template.render(chatRequest({ messages: [user("A")], tools: [tool] })).text;
      const words = template.capabilities.tools ? [] : (withoutTools.match(/\w+/g) ?? []);
      expect(words.filter((word) => !withTools.includes(word))).toEqual([]);
      expect(withTools).toContain("get_weather");
    });
  },
);

function withContent(message: WireMessage): WireMessage {
  return message.content === null ? { ...message, content: "wordX" } : message;
}

function countNulls(prompt: string): number {
  return prompt.match(/\bNone\b|\bnull\b/g)?.length ?? 0;
}

function readTemplates(): Readonly<Record<string, string>> {
  if (!templatesNeed.isMet || !renderingsNeed.isMet) return {};
  return Object.fromEntries(
    ["chat-templates.json", "jinja-templates.json"].flatMap((file) => {
      const golden = JSON.parse(readFileSync(sharedPath("golden", file), "utf8")) as {
        templates: Readonly<Record<string, { template: string }>>;
      };
      return Object.entries(golden.templates).map(([name, { template }]) => [name, template]);
    }),
  ) as Record<string, string>;
}
