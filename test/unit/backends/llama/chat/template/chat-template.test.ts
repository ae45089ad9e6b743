import { describe, expect, it } from "vitest";
import {
  createChatTemplate,
  type ChatTemplateOptions,
} from "../../../../../../src/backends/llama/chat/template/chat-template.ts";
import { ServerError } from "../../../../../../src/domain/errors.ts";
import type { ChatRequest } from "../../../../../../src/domain/chat.ts";
import { chatRequest, type WireMessage } from "../../../../../support/chat-request.ts";

const USER: WireMessage = { role: "user", content: "hi" };
const TOOL = { function: { name: "lookup", parameters: { type: "object", properties: { q: { type: "string" } } } } };

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

describe("roles", () => {
  const NO_SYSTEM = `{%- for m in messages -%}{%- if m.role not in ['user', 'assistant'] -%}{{ raise_exception('No such role: ' + m.role) }}{%- endif -%}<{{ m.role }}>{{ m.content }}
{% endfor -%}`;

  it("gives the developer's words to system where the template does not know developer", () => {
    const render = template(`{%- for m in messages -%}<{{ m.role }}>{{ m.content }}{%- endfor -%}`);
    expect(render(chatRequest({ messages: [{ role: "developer", content: "be brief" }, USER] }))).toBe(
      "<system>be brief<user>hi",
    );
  });

  it("leaves the developer to a template that knows the role", () => {
    const render = template(
      `{%- for m in messages -%}{%- if m.role == 'developer' -%}<dev>{%- else -%}<{{ m.role }}>{%- endif -%}{{ m.content }}{%- endfor -%}`,
    );
    expect(render(chatRequest({ messages: [{ role: "developer", content: "be brief" }, USER] }))).toBe(
      "<dev>be brief<user>hi",
    );
  });

  it("puts the system's words before the first user turn where there is no system role", () => {
    const render = template(NO_SYSTEM);
    expect(render(chatRequest({ messages: [{ role: "system", content: "S" }, USER] }))).toBe("<user>S\nhi\n");
  });

  it("merges leading system messages where the template takes one only", () => {
    const render = template(
      `{%- if messages[0].role == 'system' -%}<sys>{{ messages[0].content }}{%- set messages = messages[1:] -%}{%- endif -%}{%- for m in messages -%}{%- if m.role == 'system' -%}{{ raise_exception('one system message') }}{%- endif -%}<{{ m.role }}>{{ m.content }}{%- endfor -%}`,
    );
    const messages = [{ role: "system", content: "A" }, { role: "developer", content: "B" }, USER];
    expect(render(chatRequest({ messages }))).toBe("<sys>A\n\nB<user>hi");
  });

  it("writes results as user turns where there is no tool role, and calls as text where they are not shown", () => {
    const render = template(NO_SYSTEM);
    const messages: WireMessage[] = [
      USER,
      {
        role: "assistant",
        content: null,
        tool_calls: [{ id: "1", function: { name: "lookup", arguments: '{"q":"x"}' } }],
      },
      { role: "tool", content: "42", tool_call_id: "1" },
      { role: "user", content: "so?" },
    ];
    expect(render(chatRequest({ messages }))).toBe(
      '<user>hi\n<assistant><tool_call>\n{"name": "lookup", "arguments": {"q":"x"}}\n</tool_call>\n<user><tool_response>\n42\n</tool_response>\nso?\n',
    );
  });
});

describe("content", () => {
  const PARTS = [
    { type: "text" as const, text: "a" },
    { type: "text" as const, text: "b" },
  ];

  it("joins parts by lines where the template wants a string", () => {
    const render = template(`{%- for m in messages -%}{{ '<' + m.role + '>' + m.content }}{%- endfor -%}`);
    expect(render(chatRequest({ messages: [{ role: "user", content: PARTS }] }))).toBe("<user>a\nb");
  });

  it("gives parts to a template that iterates over them, and a string as one part to one that takes only parts", () => {
    const both = template(
      `{%- for m in messages -%}{%- if m.content is string -%}{{ m.content }}{%- else -%}{%- for p in m.content -%}({{ p.text }}){%- endfor -%}{%- endif -%}{%- endfor -%}`,
    );
    expect(both(chatRequest({ messages: [{ role: "user", content: PARTS }] }))).toBe("(a)(b)");
    expect(both(chatRequest({ messages: [USER] }))).toBe("hi");
    const partsOnly = template(
      `{%- for m in messages -%}{%- for p in m.content -%}({{ p['text'] }}){%- endfor -%}{%- endfor -%}`,
    );
    expect(partsOnly(chatRequest({ messages: [USER] }))).toBe("(hi)");
  });

  it("refuses what is no text, by name", () => {
    const request = chatRequest({ messages: [] });
    const messages = [{ role: "user" as const, content: [{ type: "image" as const, url: "data:,", detail: "auto" }] }];
    expect(failure(() => template(ECHO)({ ...request, messages }))).toEqual({
      kind: "unsupported_content",
      message: 'This model reads text only; it cannot take content of type "image".',
      param: "messages[0].content[0]",
    });
  });

  it("gives absent content to templates that test for it, and an empty string to the others", () => {
    const call = { id: "1", function: { name: "lookup", arguments: "{}" } };
    const messages: WireMessage[] = [USER, { role: "assistant", content: null, tool_calls: [call] }];
    const tests = `{%- for m in messages -%}{%- for c in m.tool_calls -%}{{ c.function.name }}{{ c.function.arguments | tojson }}{%- endfor -%}{%- if m.content is not none -%}<{{ m.content }}>{%- endif -%}{%- endfor -%}`;
    expect(template(tests)(chatRequest({ messages }))).toBe("<hi>lookup{}");
    const adds = `{%- for m in messages -%}{{ '<' + m.content + '>' }}{%- for c in m.tool_calls -%}{{ c.function.name }}{{ c.function.arguments | tojson }}{%- endfor -%}{%- endfor -%}`;
    expect(template(adds)(chatRequest({ messages }))).toBe("<hi><>lookup{}");
  });

  it("moves thoughts that a caller left in an assistant's text to where the template treats them", () => {
    const source = `{%- for m in messages -%}<{{ m.role }}>{%- if m.reasoning_content -%}<think>{{ m.reasoning_content }}</think>{%- endif -%}{{ m.content }}{%- endfor -%}<tool_call>`;
    const messages = [USER, { role: "assistant", content: "<think>\nhm\n</think>\n\nyes" }, USER];
    expect(template(source)(chatRequest({ messages }))).toBe(
      "<user>hi<assistant><think>hm</think>yes<user>hi<tool_call>",
    );
  });
});

describe("calls of earlier turns", () => {
  const messages: WireMessage[] = [
    USER,
    {
      role: "assistant",
      content: null,
      tool_calls: [{ id: "call_abc", function: { name: "lookup", arguments: '{"q": "x"}' } }],
    },
    { role: "tool", content: "42", tool_call_id: "call_abc" },
  ];
  const shown = (args: string): string =>
    `{%- for m in messages -%}{{ m.content }}{%- for c in m.tool_calls -%}{{ c.id }}:{{ c.function.name + ':' + ${args} }}{%- endfor -%}{{ m.tool_call_id }}{%- endfor -%}`;

  it("have their arguments as an object or as text, whichever prints well", () => {
    expect(template(shown("(c.function.arguments | tojson)"))(chatRequest({ messages }))).toContain(
      'lookup:{"q": "x"}',
    );
    expect(template(shown("c.function.arguments"))(chatRequest({ messages }))).toContain('lookup:{"q": "x"}');
  });

  it("keep arguments that are no JSON as the text they are", () => {
    const broken = messages.map((message) =>
      message.tool_calls === undefined
        ? message
        : { ...message, tool_calls: [{ id: "1", function: { name: "lookup", arguments: '{"q": ' } }] },
    );
    expect(template(shown("(c.function.arguments | tojson)"))(chatRequest({ messages: broken }))).toContain(
      'lookup:"{\\"q\\": "',
    );
  });

  it("carry reasoning and text together where the template takes one of them only", () => {
    const source = `{%- for m in messages -%}{%- if m.content and m.thinking and m.tool_calls -%}{{ raise_exception('Cannot pass both content and thinking') }}{%- endif -%}<{{ m.thinking }}|{{ m.content }}>{%- for c in m.tool_calls -%}{{ c.function.name }}{{ c.function.arguments | tojson }}{%- endfor -%}{%- endfor -%}`;
    const both = messages
      .slice(0, 2)
      .map((message) =>
        message.role === "assistant" ? { ...message, content: "look", reasoning_content: "hm" } : message,
      );
    expect(template(source)(chatRequest({ messages: both }))).toContain("<hm\n\nlook|>lookup");
  });

  it("get ids of nine letters and digits where the template insists", () => {
    const source = `{%- for m in messages -%}{{ m.content }}{%- for c in m.tool_calls -%}{%- if c.id | length != 9 -%}{{ raise_exception('id') }}{%- endif -%}{{ c.id + c.function.name + (c.function.arguments | tojson) }}{%- endfor -%}{{ m.tool_call_id }}{%- endfor -%}`;
    expect(template(source)(chatRequest({ messages }))).toBe('hicall00000lookup{"q": "x"}42call00000');
    // An id of the caller's own that looks like ours stays with its call.
    const call = (id: string) => ({ id, function: { name: "lookup", arguments: "{}" } });
    const two = {
      role: "assistant",
      content: "",
      tool_calls: [call("call_long_1"), call("call00000"), call("call_long_2")],
    };
    expect(template(source)(chatRequest({ messages: [USER, two] as typeof messages }))).toBe(
      "hicall00001lookup{}call00000lookup{}call00002lookup{}",
    );
  });
});

describe("tools", () => {
  it("reach the template in OpenAI's form", () => {
    expect(template(ECHO)(chatRequest({ messages: [USER], tools: [TOOL] }))).toContain(
      '[{"type": "function", "function": {"name": "lookup", "description": "", "parameters": {"type": "object", "properties": {"q": {"type": "string"}}}}}]',
    );
  });

  it("are told in the system text where the template does not show them", () => {
    const text = template(`{%- for m in messages -%}<{{ m.role }}>{{ m.content }}{%- endfor -%}`)(
      chatRequest({ messages: [{ role: "system", content: "S" }, USER], tools: [TOOL] }),
    );
    expect(text).toMatch(/^<system>S\n\nYou can call functions[^]*"name":"lookup"[^]*<tool_call>[^]*<user>hi$/);
  });

  it("are hidden when none may be called, and those not allowed are", () => {
    const other = { function: { name: "other" } };
    const request = chatRequest({ messages: [USER], tools: [TOOL, other] });
    const render = template(ECHO);
    expect(render({ ...request, toolChoice: { type: "none" } })).not.toContain("lookup");
    const allowed = render({ ...request, toolChoice: { type: "allowed", mode: "auto", names: ["other"] } });
    expect(allowed).toContain("other");
    expect(allowed).not.toContain("lookup");
  });

  it("switch to the template for tools where the model brings one", () => {
    const render = template("plain {{ messages[0].content }}", {
      toolUseSource: "tools {{ messages[0].content }} {{ tools | tojson }}",
    });
    expect(render(chatRequest({ messages: [USER] }))).toBe("plain hi");
    expect(render(chatRequest({ messages: [USER], tools: [TOOL] }))).toMatch(/^tools hi \[/);
  });
});

describe("documents", () => {
  const documents = [{ title: "Hearths", text: "A fireplace. <s>" }];
  const shown = "{% for d in documents %}[{{ d.title }}: {{ d.text }}]{% endfor %}{{ messages[0].content }}";

  it("reach a template that shows them, as callers' text", () => {
    const chatTemplate = createChatTemplate({
      source: shown,
      bosToken: "",
      eosToken: "",
      controlTexts: ["<s>"],
    });
    expect(chatTemplate.capabilities.documents).toBe(true);
    const { text, pieces } = chatTemplate.render(chatRequest({ messages: [USER] }, { documents }));
    expect(text).toBe("[Hearths: A fireplace. <s>]hi");
    expect(pieces).toMatchObject([{ kind: "plain" }]);
  });

  it("are refused by name where the template does not show them", () => {
    const render = template("{{ messages[0].content }}");
    expect(() => render(chatRequest({ messages: [USER] }, { documents }))).toThrow(
      expect.objectContaining({ kind: "unsupported_parameter", param: "documents" }),
    );
  });

  it("switch to the template for them where the model brings one", () => {
    const render = template("plain {{ messages[0].content }}", { documentsSource: shown });
    expect(render(chatRequest({ messages: [USER] }, { documents }))).toBe("[Hearths: A fireplace. <s>]hi");
    expect(render(chatRequest({ messages: [USER] }))).toBe("plain hi");
  });
});

describe("variables", () => {
  const source = `{{ messages[0].content }}|{{ reasoning_effort }}|{{ enable_thinking }}|{{ extra }}|{{ strftime_now('%d %B %Y %H:%M:%S') }}|{{ date_string }}|{{ bos_token }}{{ eos_token }}|{{ documents | length }}`;

  it("come from the request over the configuration", () => {
    const render = template(source, { templateKwargs: { extra: "config", documents: [1, 2] } });
    expect(render(chatRequest({ messages: [USER] }, { reasoningEffort: "low" }))).toBe(
      "hi|low|True|config|23 November 2026 09:05:07|23 Nov 2026|<s></s>|2",
    );
    expect(
      render(chatRequest({ messages: [USER] }, { templateKwargs: { extra: "request", enable_thinking: false } })),
    ).toContain("hi||False|request|");
  });

  it("turn thinking off for the effort none", () => {
    expect(template(source)(chatRequest({ messages: [USER] }, { reasoningEffort: "none" }))).toContain("hi||False|");
  });

  it("cannot replace what is the server's", () => {
    for (const name of ["messages", "tools", "bos_token", "raise_exception", "namespace"]) {
      const request = chatRequest({ messages: [USER] }, { templateKwargs: { [name]: "x" } });
      expect(failure(() => template(ECHO)(request))).toMatchObject({
        kind: "invalid_value",
        param: `templateKwargs.${name}`,
      });
    }
  });
});

describe("a turn that is continued", () => {
  const source = `{%- for m in messages -%}<|im_start|>{{ m.role }}\n{{ m.content | trim }}<|im_end|>\n{% endfor -%}{%- if add_generation_prompt -%}<|im_start|>assistant\n{% endif -%}`;

  it("ends where the last message ends", () => {
    const messages = [USER, { role: "assistant", content: "Once upon " }];
    expect(template(source)(chatRequest({ messages }, { addGenerationPrompt: false }))).toBe(
      "<|im_start|>user\nhi<|im_end|>\n<|im_start|>assistant\nOnce upon ",
    );
  });

  it("has no header when the user spoke last", () => {
    expect(template(source)(chatRequest({ messages: [USER] }, { addGenerationPrompt: false }))).toBe(
      "<|im_start|>user\nhi<|im_end|>\n",
    );
  });
});

describe("a model without a template", () => {
  it("gets ChatML where its vocabulary has it, and plain turns otherwise", () => {
    const request = chatRequest({
      messages: [{ role: "system", content: "S" }, USER, { role: "assistant", content: "yo" }, USER],
    });
    expect(template("", { controlTexts: ["<|im_start|>", "<|im_end|>"] })(request)).toBe(
      "<|im_start|>system\nS<|im_end|>\n<|im_start|>user\nhi<|im_end|>\n<|im_start|>assistant\nyo<|im_end|>\n<|im_start|>user\nhi<|im_end|>\n<|im_start|>assistant\n",
    );
    expect(template("")(request)).toBe("S\n\nUser: hi\nAssistant: yo\nUser: hi\nAssistant:");
  });
});
