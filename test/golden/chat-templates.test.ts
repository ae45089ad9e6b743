// Our rendering against llama-server's (llama.cpp v0.5.0), for 14 published templates and five conversations each.
// Source: ../shared/golden/chat-templates.json. It was made with a vocabulary whose BOS is <s> and whose EOS is </s>;
// llama-server takes the BOS off again because its tokenizer adds one.
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { createChatTemplate } from "../../src/backends/llama/chat/template/chat-template.ts";
import { shared, sharedPath } from "../support/shared.ts";
import { chatRequest, type WireMessage, type WireTool } from "../support/chat-request.ts";

const reference = shared("golden", "chat-templates.json");

interface Golden {
  readonly conversations: Readonly<Record<string, { messages: readonly WireMessage[]; tools?: readonly WireTool[] }>>;
  readonly templates: Readonly<
    Record<string, { template: string; rendered: Readonly<Record<string, { prompt?: string; error?: string }>> }>
  >;
}

/** The day on which llama-server rendered; templates print it. */
const NOW = new Date(2026, 10, 23, 12);

const TOOLS_LOST = "the template does not show tools; llama-server drops them, we describe them in the system text";
const CALLS_LOST = "the template does not show calls; llama-server drops them, we write them into the content";

const THINKING = "llama-server passes enable_thinking: true; the author's default is used, as transformers does";

/** Where we differ on purpose, and why. */
const DIFFERENCES: Readonly<Record<string, string>> = {
  ...Object.fromEntries(
    ["user", "system_turns", "unicode", "tools", "tool_result"].map((conversation) => [
      `CohereForAI-c4ai-command-r7b-12-2024-tool_use: ${conversation}`,
      THINKING,
    ]),
  ),
  ...Object.fromEntries(
    ["user", "system_turns", "unicode"].map((conversation) => [
      `deepseek-ai-DeepSeek-R1-Distill-Qwen-32B: ${conversation}`,
      THINKING,
    ]),
  ),
  "HuggingFaceTB-SmolLM3-3B: tools": TOOLS_LOST,
  "HuggingFaceTB-SmolLM3-3B: tool_result": `${TOOLS_LOST}; ${CALLS_LOST}`,
  "deepseek-ai-DeepSeek-R1-Distill-Qwen-32B: tools": TOOLS_LOST,
  "deepseek-ai-DeepSeek-R1-Distill-Qwen-32B: tool_result": `${TOOLS_LOST}; it tests for absent content, which llama-server turns into an empty turn of the assistant`,
  "google-gemma-2-2b-it: tools": TOOLS_LOST,
  "google-gemma-2-2b-it: tool_result": `${TOOLS_LOST}; the template refuses results, so that llama-server fails, and we write them as user turns`,
  "ibm-granite-granite-3.3-2B-Instruct: tool_result": CALLS_LOST,
  "microsoft-Phi-3.5-mini-instruct: tools": TOOLS_LOST,
  "microsoft-Phi-3.5-mini-instruct: tool_result": `${TOOLS_LOST}; ${CALLS_LOST}`,
};

describe.skipIf(!reference.isMet)(`published chat templates${reference.note}`, () => {
  const golden = readGolden();
  const cases = Object.entries(golden.templates).flatMap(([name, { template: source, rendered }]) => {
    const template = createChatTemplate({
      source,
      bosToken: "<s>",
      eosToken: "</s>",
      controlTexts: ["<s>", "</s>", "<|im_end|>"],
    });
    return Object.entries(rendered).map(([conversation, { prompt }]) => ({
      name,
      conversation,
      prompt,
      reason: DIFFERENCES[`${name}: ${conversation}`],
      render: (): string => {
        const request = chatRequest(golden.conversations[conversation] ?? { messages: [] });
        const { text } = template.render(request, { now: NOW });
        return text.startsWith("<s>") ? text.slice(3) : text;
      },
    }));
  });

  it("are 14 with five conversations each, and all listed differences are among them", () => {
    expect(cases).toHaveLength(70);
    expect(cases.filter(({ reason }) => reason !== undefined)).toHaveLength(Object.keys(DIFFERENCES).length);
  });

  it.each(cases.filter(({ reason }) => reason === undefined))(
    '$name renders "$conversation" as llama-server does',
    ({ render, prompt }) => {
      expect(render()).toBe(prompt);
    },
  );

  it.each(cases.filter(({ reason }) => reason !== undefined))(
    '$name renders "$conversation" in its own way: $reason',
    ({ render, prompt, conversation }) => {
      expect(render()).not.toBe(prompt);
      if (conversation.startsWith("tool")) expect(render()).toContain("get_weather");
    },
  );
});

function readGolden(): Golden {
  if (!reference.isMet) return { conversations: {}, templates: {} };
  return JSON.parse(readFileSync(sharedPath("golden", "chat-templates.json"), "utf8")) as Golden;
}
