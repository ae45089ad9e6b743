// Our rendering against llama-server's (llama.cpp v0.5.0), for 14 published templates and five conversations each.
// Source: ../shared/golden/chat-templates.json. It was made with a vocabulary whose BOS is <s> and whose EOS is </s>;
// llama-server takes the BOS off again because its tokenizer adds one.
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { createChatTemplate } from "../../src/backends/llama/chat/chat-template.ts";
import { hasShared, sharedPath } from "../support/shared.ts";
import { chatRequest, type WireMessage, type WireTool } from "../support/chat-request.ts";

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

/** Where we differ on purpose, and why. */
const DIFFERENCES: Readonly<Record<string, string>> = {
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

describe.skipIf(!hasShared("golden", "chat-templates.json"))("published chat templates", () => {
  const golden = JSON.parse(
    hasShared("golden", "chat-templates.json")
      ? readFileSync(sharedPath("golden", "chat-templates.json"), "utf8")
      : "{}",
  ) as Golden;

  for (const [name, { template: source, rendered }] of Object.entries(golden.templates ?? {})) {
    const template = createChatTemplate({
      source,
      bosToken: "<s>",
      eosToken: "</s>",
      controlTexts: ["<s>", "</s>", "<|im_end|>"],
    });
    for (const [conversation, expected] of Object.entries(rendered)) {
      const reason = DIFFERENCES[`${name}: ${conversation}`];
      const render = (): string => {
        const { text } = template.render(chatRequest(golden.conversations[conversation] ?? { messages: [] }), {
          now: NOW,
        });
        return text.startsWith("<s>") ? text.slice(3) : text;
      };
      if (reason === undefined) {
        it(`${name} renders "${conversation}" as llama-server does`, () => {
          expect(render()).toBe(expected.prompt);
        });
      } else {
        it(`${name} renders "${conversation}" in its own way: ${reason}`, () => {
          expect(render()).not.toBe(expected.prompt);
          expect(render()).toContain("get_weather");
        });
      }
    }
  }
});
