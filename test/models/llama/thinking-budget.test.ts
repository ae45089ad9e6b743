// Limits on reasoning, and answers whose beginning the caller has written: with a model that reasons for ever if it may.
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createLlamaBackend } from "../../../src/backends/llama/backend.ts";
import type { Backend } from "../../../src/domain/backend.ts";
import type { ChatMessage, ChatRequest, ToolDefinition } from "../../../src/domain/chat.ts";
import type { TextModelOptions } from "../../../src/domain/model.ts";
import { applyTemplate, chat, testContext, textSpec } from "../../support/llama.ts";
import { useMarkupModel } from "../../support/markup-model.ts";

const model = useMarkupModel();

/** Turns between ChatML's marks; the last one begins as given. Reasoning is shown where a message has it. */
const templateOf = (opened: string): string =>
  "{%- for message in messages %}{{ '<|im_start|>' + message.role + '\\n' }}" +
  "{%- if message.reasoning_content %}{{ '<think>\\n' + message.reasoning_content }}" +
  "{%- if message.content %}{{ '\\n</think>\\n\\n' }}{%- endif %}{%- endif %}" +
  `{{ message.content }}{{ '<|im_end|>' }}{%- endfor %}{%- if add_generation_prompt %}{{ 'assistant\\n${opened}' }}{%- endif %}`;

const harmonyTemplate =
  "{%- for message in messages %}{{ '<|start|>' + message.role + '<|message|>' + message.content + '<|end|>' }}{%- endfor %}" +
  "{%- if add_generation_prompt %}{{ '<|start|>assistant' }}{%- endif %}";

const user: ChatMessage = { role: "user", content: [{ type: "text", text: "Hello" }] };
const assistant = (text: string, reasoning?: string): ChatMessage => ({
  role: "assistant",
  content: text === "" ? null : [{ type: "text", text }],
  toolCalls: [],
  ...(reasoning === undefined ? {} : { reasoning }),
});

const count: ToolDefinition = {
  name: "count",
  parameters: {
    type: "object",
    properties: { days: { type: "integer", minimum: 10, maximum: 19 } },
    required: ["days"],
    additionalProperties: false,
  },
  strict: true,
};
const constraint = {
  type: "json-schema",
  name: "x",
  schema: {
    type: "object",
    properties: { city: { enum: ["Paris", "Parma"] }, days: { type: "integer", minimum: 1, maximum: 5 } },
    required: ["city", "days"],
    additionalProperties: false,
  },
  strict: true,
} as const;

const ending = model.ends.map((token) => [token, 40] as const);
const opening = ["<think>", "<|channel|>"].map((text) => [model.tokenOf(text), 40] as const);
/** Ends are out of reach, so that an answer goes on to its limit. */
const endless = model.ends.map((token) => [token, -100] as const);

const backends = new Map<string, Backend>();
async function load(name: string, options: Partial<TextModelOptions>): Promise<void> {
  backends.set(name, await createLlamaBackend(textSpec(model.path, { parallel: 2, ...options }), testContext()));
}
const backend = (name: string): Backend => backends.get(name)!;

beforeAll(async () => {
  await load("closed", { family: "hermes", chatTemplate: templateOf("") });
  await load("open", { family: "hermes", chatTemplate: templateOf("<think>\\n") });
  await load("harmony", { family: "harmony", chatTemplate: harmonyTemplate });
  await load("harmony thinking", {
    family: "harmony",
    chatTemplate: harmonyTemplate.replace("assistant'", "assistant<|channel|>analysis<|message|>'"),
  });
  await load("limited", { family: "hermes", chatTemplate: templateOf("<think>\\n"), thinkingBudget: 5 });
});
afterAll(async () => {
  for (const loaded of backends.values()) await loaded.dispose();
});

const limits = (maxTokens: number) => ({ maxTokens, stop: [] });

describe("a budget of reasoning", () => {
  const names = ["closed", "open", "harmony"];

  it.each(["closed", "open", "harmony thinking"])("is kept to the token, and text follows: %s", async (name) => {
    for (const budget of [1, 7, 20]) {
      const wishes = name === "closed" ? opening.slice(0, 1) : [];
      const { choices, usage } = await chat(backend(name), {
        reasoningBudget: budget,
        sampling: { temperature: 1, seed: budget, logitBias: [...endless, ...wishes] },
        limits: limits(budget + 40),
      });
      expect(choices[0]!.reasoning).not.toBe("");
      expect(choices[0]!.text.length).toBeGreaterThan(5);
      // The markup around reasoning counts as well: an opening, and a closing of a line break and a tag.
      expect(usage.reasoningTokens).toBeGreaterThanOrEqual(budget);
      expect(usage.reasoningTokens).toBeLessThanOrEqual(budget + 4);
    }
  });

  it.each(names)("of nothing, or the effort none, keeps the model from reasoning: %s", async (name) => {
    for (const limit of [{ reasoningBudget: 0 }, { reasoningEffort: "none" }]) {
      for (const more of [{}, { constraint }, { tools: [count], toolChoice: { type: "required" } as const }]) {
        const { choices } = await chat(backend(name), {
          ...limit,
          ...more,
          n: 2,
          sampling: { temperature: 1, seed: 5, logitBias: opening },
          limits: limits(60),
        });
        for (const { reasoning, text, calls } of choices) {
          expect(reasoning).toBe("");
          expect(text.length + calls.length).toBeGreaterThan(0);
        }
      }
    }
  });

  it("is a share of the answer's tokens where only an effort is named", async () => {
    const reasoned = async (reasoningEffort: string): Promise<number> => {
      const sampling = { temperature: 0, logitBias: endless };
      const { usage } = await chat(backend("open"), { reasoningEffort, sampling, limits: limits(100) });
      return usage.reasoningTokens;
    };
    expect(await reasoned("minimal")).toBeLessThanOrEqual(13);
    expect(await reasoned("low")).toBeLessThanOrEqual(23);
    expect(await reasoned("low")).toBeGreaterThanOrEqual(20);
    expect(await reasoned("medium")).toBeGreaterThanOrEqual(50);
    expect(await reasoned("max")).toBeGreaterThanOrEqual(95);
    expect(await reasoned("max")).toBeLessThan(100);
  });

  it("is the model's own where the request names none", async () => {
    const sampling = { temperature: 0, logitBias: endless };
    const own = await chat(backend("limited"), { sampling, limits: limits(60) });
    expect(own.usage.reasoningTokens).toBeLessThan(10);
    const wider = await chat(backend("limited"), { sampling, limits: limits(60), reasoningBudget: "unlimited" });
    expect(wider.usage.reasoningTokens).toBe(60);
  });

  it("changes nothing of an answer that names none: its model may end where it reasons", async () => {
    const { choices } = await chat(backend("open"), { sampling: { temperature: 0, logitBias: ending } });
    expect(choices[0]).toMatchObject({ text: "", finish: "end-of-turn" });
  });

  it("does not hinder the lazy grammar of a strict tool", async () => {
    const sampling = {
      temperature: 1,
      seed: 9,
      logitBias: [...opening.slice(0, 1), [model.tokenOf("<tool_call>"), 30] as const],
    };
    const { choices } = await chat(backend("closed"), {
      tools: [count],
      reasoningBudget: 4,
      parallelToolCalls: false,
      sampling,
      limits: limits(120),
    });
    expect(choices[0]!.reasoning).not.toBe("");
    expect(choices[0]).toMatchObject({ calls: [{ name: "count" }], finish: "tool-calls" });
    expect(JSON.parse(choices[0]!.calls[0]!.arguments)).toEqual({ days: expect.any(Number) });
  });
});

describe("an answer that is too short for its constraint", () => {
  it.each(["closed", "open", "harmony"])("ends by its length, never by itself: %s", async (name) => {
    for (const more of [{ constraint }, { tools: [count], toolChoice: { type: "required" } as const }]) {
      for (let maxTokens = 1; maxTokens <= 16; maxTokens += 3) {
        const { choices } = await chat(backend(name), {
          ...more,
          n: 2,
          sampling: { temperature: 1, seed: maxTokens, logitBias: [...ending, ...opening] },
          limits: limits(maxTokens),
        });
        for (const choice of choices) expect(choice.finish, JSON.stringify(choice)).toBe("length");
      }
    }
  });
});

describe("an answer that the last message begins", () => {
  const continued = (message: ChatMessage, more: Partial<ChatRequest>): Partial<ChatRequest> => ({
    messages: [user, message],
    addGenerationPrompt: false,
    sampling: { temperature: 1, seed: 3, logitBias: [...ending, ...opening] },
    limits: limits(120),
    ...more,
  });

  it.each(["closed", "harmony"])("goes on inside its schema: %s", async (name) => {
    for (const text of ['{"city": "Par', '{"city":"Parma"', "{", '{\n  "city": "Paris",\n  "days":']) {
      const { choices } = await chat(backend(name), continued(assistant(text), { constraint, n: 2 }));
      for (const choice of choices) {
        expect(choice).toMatchObject({ reasoning: "", finish: "end-of-turn" });
        const value = JSON.parse(text + choice.text) as Record<string, unknown>;
        expect(["Paris", "Parma"]).toContain(value["city"]);
        expect(value["days"]).toBeTypeOf("number");
      }
    }
  });

  it("goes on inside a caller's grammar, also in the middle of a character's bytes", async () => {
    const grammar = { type: "grammar", grammar: 'root ::= "naïve: " ("yes" | "no") "."' } as const;
    const { choices } = await chat(backend("closed"), continued(assistant("naïve: y"), { constraint: grammar }));
    expect(choices[0]).toMatchObject({ text: "es.", finish: "end-of-turn" });
  });

  it("is told as a call from its beginning where it is one", async () => {
    const begun = '<tool_call>\n{"name": "count", "arguments": {"days": 1';
    for (const toolChoice of [{ type: "required" }, { type: "auto" }] as const) {
      const request = continued(assistant(begun), { tools: [count], toolChoice, parallelToolCalls: false });
      const { choices } = await chat(backend("closed"), request);
      expect(choices[0]).toMatchObject({ text: "", calls: [{ name: "count" }], finish: "tool-calls" });
      expect(choices[0]!.calls[0]!.arguments).toMatch(/^\{"days": 1\d ?\n? *\}$/);
    }
  });

  it("goes on inside reasoning that it has begun", async () => {
    for (const message of [assistant("", "I think that"), assistant("<think>\nI think that")]) {
      const { choices } = await chat(backend("closed"), continued(message, { constraint, reasoningBudget: 4 }));
      expect(choices[0]!.reasoning).not.toBe("");
      expect(JSON.parse(choices[0]!.text)).toHaveProperty("days");
    }
  });

  it.each([
    ["a schema", { constraint }, "constraint"],
    ["a call", { tools: [count], toolChoice: { type: "required" } as const }, "toolChoice"],
  ])("is refused where it is no beginning of %s", async (_, more, field) => {
    await expect(chat(backend("closed"), continued(assistant('{"town": 1'), more))).rejects.toMatchObject({
      kind: "invalid_value",
      param: "messages[1].content",
      message: expect.stringContaining(`{${field}}`) as unknown,
    });
  });
});

describe("the prompt of a model that should not reason", () => {
  it("closes what its template has opened, and writes the header of the text", async () => {
    const { prompt } = await applyTemplate(backend("open"), { reasoningEffort: "none" });
    expect(prompt.endsWith("assistant\n<think>\n\n</think>\n\n")).toBe(true);
    const harmony = await applyTemplate(backend("harmony"), { reasoningEffort: "none" });
    expect(harmony.prompt.endsWith("<|start|>assistant<|channel|>final<|message|>")).toBe(true);
  });
});
