// Templates that fail or never end, and Python's behaviour where templates rely on it.
import { describe, expect, it } from "vitest";
import {
  createChatTemplate,
  type ChatTemplateOptions,
} from "../../../../../src/backends/llama/chat/template/chat-template.ts";
import { ServerError } from "../../../../../src/domain/errors.ts";
import type { ChatRequest } from "../../../../../src/domain/chat.ts";
import { chatRequest, type WireMessage } from "../../../../support/chat-request.ts";

const USER: WireMessage = { role: "user", content: "hi" };

/** Prints every message as JSON, so that a test sees what the template was given. */
const ECHO = `{%- for message in messages -%}[{{ message | tojson }}]{%- endfor -%}{{ tools | tojson if tools else '' }}`;

function template(source: string, options: Partial<ChatTemplateOptions> = {}): (request: ChatRequest) => string {
  const created = createChatTemplate({
    source,
    bosToken: "<s>",
    eosToken: "</s>",
    controlTexts: ["<s>", "</s>"],
    ...options,
  });
  return (request) => created.render(request, { now: new Date(2026, 10, 23, 9, 5, 7) }).text;
}

function failure(work: () => unknown): { kind: string; message: string; param: string | undefined } {
  try {
    work();
  } catch (error) {
    if (error instanceof ServerError) return { kind: error.kind, message: error.message, param: error.param };
    throw error;
  }
  throw new Error("nothing was thrown");
}

describe("a template that fails", () => {
  it("is refused at load when it cannot be parsed", () => {
    expect(failure(() => template("{% if %}"))).toMatchObject({ kind: "model_load_failed" });
    expect(failure(() => template(ECHO, { family: "nobody" }))).toMatchObject({ kind: "model_load_failed" });
  });

  it("tells its author's own words to the caller", () => {
    const render = template(
      `{{ messages[0].content }}{%- if 'x' in messages[0].content -%}{{ raise_exception('Too many turns') }}{%- endif -%}`,
    );
    expect(failure(() => render(chatRequest({ messages: [{ role: "user", content: "xy" }] })))).toEqual({
      kind: "invalid_request",
      message: "The model's chat template refuses this conversation: line 1: Too many turns",
      param: "messages",
    });
  });

  it.each([
    ["loops for ever", `{%- macro m(n) -%}{{ m(n + 1) }}{%- endmacro -%}{{ m(0) }}`],
    [
      "doubles a string",
      `{%- set ns = namespace(t='x') -%}{%- for i in range(99) -%}{%- set ns.t = ns.t + ns.t -%}{%- endfor -%}{{ ns.t }}`,
    ],
    [
      "doubles a list",
      `{%- set ns = namespace(t=[1]) -%}{%- for i in range(99) -%}{%- set ns.t = ns.t + ns.t -%}{%- endfor -%}`,
    ],
    ["repeats a string", `{{ 'x' * 99999999999 }}`],
    ["counts too far", `{%- for i in range(99999999999) -%}{%- endfor -%}`],
    ["nests loops", `{%- for i in range(9999) -%}{%- for j in range(9999) -%}x{%- endfor -%}{%- endfor -%}`],
    [
      "replaces for ever",
      `{%- set ns = namespace(t='aaaa') -%}{%- for i in range(99) -%}{%- set ns.t = ns.t.replace('a', 'aaaa') -%}{%- endfor -%}`,
    ],
  ])("is stopped when it %s", (_, source) => {
    const render = template(`{%- if messages[0].content == 'go' -%}${source}{%- endif -%}{{ messages[0].content }}`, {
      limits: { milliseconds: 500 },
    });
    const started = performance.now();
    expect(failure(() => render(chatRequest({ messages: [{ role: "user", content: "go" }] })))).toMatchObject({
      kind: "invalid_request",
    });
    expect(performance.now() - started).toBeLessThan(10_000);
  });
});

describe("Python's behaviour", () => {
  it.each([
    ["{{ messages[0].content }}{{ '  xx a xx'.strip('x ') }}", "hia"],
    ["{{ messages[0].content }}{{ '\\n\\n  a'.lstrip('\\n') }}", "hi  a"],
    ["{{ messages[0].content }}{{ 'a/'.rstrip('/') }}", "hia"],
    [
      "{{ messages[0].content }}{% for x in nothing %}{{ x }}{% endfor %}{{ nothing | length }}{{ nothing | trim }}",
      "hi0",
    ],
    ["{{ messages[0].content }}{% for a, b in [('x', 1), ('y', 2)] %}{{ a }}{{ b }}{% endfor %}", "hix1y2"],
    ["{{ messages[0].content }}{% generation %}g{% endgeneration %}", "hig"],
    ["{{ messages[0].content }}{{ 'ab' * 2 }}{{ 'c' ~ nothing }}", "hiababc"],
  ])("%s", (source, expected) => {
    expect(template(source)(chatRequest({ messages: [USER] }))).toBe(expected);
  });
});
