// Conversations that OpenAI accepts and a template does not: they are put in a form that it shows, and the form is told.
import { describe, expect, it } from "vitest";
import { createChatTemplate } from "../../../../../../src/backends/llama/chat/template/chat-template.ts";
import { planChat } from "../../../../../../src/backends/llama/chat/plan-chat.ts";
import { chatRequest, type WireMessage } from "../../../../../support/chat-request.ts";

/** Alternation as in Mistral's and Gemma's templates; a system message stands at the beginning only. */
const STRICT = `{%- set offset = 0 -%}
{%- if messages[0].role == 'system' -%}<s>{{ messages[0].content }}</s>{%- set offset = 1 -%}{%- endif -%}
{%- set turns = messages[offset:] | rejectattr('role', 'equalto', 'tool') | rejectattr('tool_calls', 'defined') | list -%}
{%- for m in turns -%}
{%- if m.role not in ['user', 'assistant'] -%}{{ raise_exception('Only user and assistant roles') }}{%- endif -%}
{%- if (m.role == 'user') != (loop.index0 % 2 == 0) -%}{{ raise_exception('Roles must alternate') }}{%- endif -%}
{%- endfor -%}
{%- for m in messages[offset:] -%}
{%- if m.tool_calls is defined -%}
{%- if m.tool_calls | length != 1 -%}{{ raise_exception('One call only') }}{%- endif -%}
<call>{{ m.tool_calls[0].function.name }} {{ m.tool_calls[0].function.arguments | tojson }}</call>
{%- else -%}<{{ m.role }}>{{ m.content }}</{{ m.role }}>{%- endif -%}
{%- endfor -%}`;

const user = (content: string): WireMessage => ({ role: "user", content });
const assistant = (content: string): WireMessage => ({ role: "assistant", content });
const system = (content: string): WireMessage => ({ role: "system", content });
const call = (id: string, name: string): NonNullable<WireMessage["tool_calls"]>[number] => ({
  id,
  function: { name, arguments: "{}" },
});

const create = (source: string): ReturnType<typeof createChatTemplate> =>
  createChatTemplate({ source, bosToken: "", eosToken: "", controlTexts: [] });
const strict = create(STRICT);

describe("a template that insists on alternation", () => {
  it.each<[string, WireMessage[], string, string[]]>([
    [
      "two turns of the user",
      [user("a"), user("b")],
      "<user>a\nb</user>",
      ["consecutive turns of one role were joined"],
    ],
    [
      "two turns of the assistant",
      [user("a"), assistant("b"), assistant("c"), user("d")],
      "<user>a</user><assistant>b\nc</assistant><user>d</user>",
      ["consecutive turns of one role were joined"],
    ],
    [
      "a later system message, where it stands",
      [system("s"), user("a"), assistant("b"), system("t"), user("c")],
      "<s>s</s><user>a</user><assistant>b</assistant><user>t\nc</user>",
      ["system messages after the beginning became user turns", "consecutive turns of one role were joined"],
    ],
    [
      "a later system message alone",
      [user("a"), assistant("b"), system("t")],
      "<user>a</user><assistant>b</assistant><user>t</user>",
      ["system messages after the beginning became user turns"],
    ],
    [
      "an assistant that speaks first",
      [assistant("hello"), user("a")],
      "<user></user><assistant>hello</assistant><user>a</user>",
      ["an empty user turn was put before the assistant's first turn"],
    ],
    [
      "the user behind a tool",
      [
        user("a"),
        { role: "assistant", content: null, tool_calls: [call("1", "f")] },
        { role: "tool", tool_call_id: "1", content: "r" },
        user("b"),
      ],
      "<user>a</user><call>f {}</call><tool>r</tool><assistant></assistant><user>b</user>",
      ["an empty assistant turn was put between the results of tools and the user's turn"],
    ],
    [
      "two calls of one turn",
      [
        user("a"),
        { role: "assistant", content: null, tool_calls: [call("1", "f"), call("2", "g")] },
        { role: "tool", tool_call_id: "2", content: "two" },
        { role: "tool", tool_call_id: "1", content: "one" },
      ],
      "<user>a</user><call>f {}</call><tool>one</tool><call>g {}</call><tool>two</tool>",
      ["turns with several tool calls became turns with one call each"],
    ],
    [
      "text beside a call that a later turn follows",
      [
        user("a"),
        { role: "assistant", content: "b", tool_calls: [call("1", "f")] },
        { role: "tool", tool_call_id: "1", content: "r" },
        assistant("c"),
      ],
      "<user>a</user><assistant>b</assistant><user></user><call>f {}</call><tool>r</tool><assistant>c</assistant>",
      [
        "text beside tool calls became a turn of its own before them",
        "an empty user turn was put between the assistant's text and its tool calls",
      ],
    ],
    [
      "text beside a call that ends the conversation",
      [
        user("a"),
        { role: "assistant", content: "b", tool_calls: [call("1", "f")] },
        { role: "tool", tool_call_id: "1", content: "r" },
      ],
      "<user>a</user><assistant>b</assistant><call>f {}</call><tool>r</tool>",
      ["text beside tool calls became a turn of its own before them"],
    ],
    ["an ordinary conversation, as it is", [system("s"), user("a")], "<s>s</s><user>a</user>", []],
  ])("is given %s", (_, messages, text, adaptations) => {
    expect(strict.render(chatRequest({ messages }))).toMatchObject({ text, adaptations });
  });

  it("keeps what stands before a change, for the prompt cache", () => {
    const before = [system("s"), user("a"), assistant("b")];
    const prefix = strict.render(chatRequest({ messages: before })).text;
    const later = strict.render(chatRequest({ messages: [...before, system("t"), user("c")] }));
    expect(later.text.startsWith(prefix)).toBe(true);
  });

  it("is offered one call at a time", () => {
    const tool = { type: "function", function: { name: "f", parameters: { type: "object" } } };
    const request = chatRequest({ messages: [user("a")], tools: [tool], parallel_tool_calls: true } as never);
    expect(planChat(request, strict).parser.parallel).toBe(false);
  });
});

describe("a template that refuses empty turns of the assistant", () => {
  it("gets a blank in them", () => {
    const strictest = create(
      STRICT.replace(
        "<{{ m.role }}>",
        "{%- if m.content == '' and m.role == 'assistant' -%}{{ raise_exception('Empty') }}{%- endif -%}<{{ m.role }}>",
      ),
    );
    const messages = [
      user("a"),
      { role: "assistant", content: null, tool_calls: [call("1", "f")] },
      { role: "tool", tool_call_id: "1", content: "r" },
      user("b"),
    ];
    expect(strictest.render(chatRequest({ messages }))).toMatchObject({
      text: "<user>a</user><call>f {}</call><tool>r</tool><assistant> </assistant><user>b</user>",
      adaptations: [
        "an empty assistant turn was put between the results of tools and the user's turn",
        "a blank was put into the assistant's empty turns",
      ],
    });
  });
});

describe("a template that shows calls or text, not both", () => {
  const either = create(
    `{%- for m in messages -%}{%- if m.tool_calls is defined and m.content is none -%}{%- for c in m.tool_calls -%}[{{ c.function.name }} {{ c.function.arguments | tojson }}]{%- endfor -%}{%- else -%}<{{ m.role }}>{{ m.content }}{%- endif -%}{%- endfor -%}`,
  );

  it("gets them in two turns", () => {
    const messages = [user("a"), { role: "assistant", content: "b", tool_calls: [call("1", "f")] }];
    expect(either.render(chatRequest({ messages }))).toMatchObject({
      text: "<user>a<assistant>b[f {}]",
      adaptations: ["text beside tool calls became a turn of its own before them"],
    });
  });
});

describe("a template that leaves words out", () => {
  const firstSystemOnly = create(
    `{%- if messages[0].role == 'system' -%}[{{ messages[0].content }}]{%- endif -%}{%- for m in messages if m.role != 'system' -%}<{{ m.role }}>{{ m.content }}{%- endfor -%}`,
  );

  it("gets them in place, as a turn that it shows", () => {
    const messages = [system("s"), user("a"), system("be brief"), user("b")];
    expect(firstSystemOnly.render(chatRequest({ messages }))).toMatchObject({
      text: "[s]<user>a<user>be brief<user>b",
      adaptations: ["system messages after the beginning became user turns"],
    });
  });

  it("refuses a system message alone in clear words where it shows none", () => {
    const mistral = create(
      `{%- set ns = namespace(s='') -%}{%- for m in messages -%}{%- if m.role == 'system' -%}{%- set ns.s = m.content -%}{%- else -%}[INST]{{ ns.s }} {{ m.content }}[/INST]{%- endif -%}{%- endfor -%}`,
    );
    expect(() => mistral.render(chatRequest({ messages: [system("s")] }))).toThrow(/add a message of the user/);
  });
});

describe("tools", () => {
  const tool = {
    type: "function",
    function: { name: "weather", parameters: { type: "object", properties: { city: { type: "string" } } } },
  };
  const messages = [user("a")];

  it.each(["functions", "available_tools", "xml_tools"])("reach a template that knows them as %s", (name) => {
    const template = create(
      `{%- if ${name} -%}<tools>{{ ${name} | tojson }}</tools>{%- endif -%}{%- for m in messages -%}<{{ m.role }}>{{ m.content }}{%- endfor -%}`,
    );
    expect(template.capabilities).toMatchObject({ tools: true, toolsVariable: name });
    expect(template.render(chatRequest({ messages, tools: [tool] })).text).toMatch(/^<tools>.*weather/);
  });

  it("leave the author's default system prompt where it is", () => {
    const template = create(
      `{%- if messages[0].role == 'system' -%}[{{ messages[0].content }}]{%- set rest = messages[1:] -%}{%- else -%}[You are a helper.]{%- set rest = messages -%}{%- endif -%}{%- for m in rest -%}<{{ m.role }}>{{ m.content }}{%- endfor -%}`,
    );
    const { text } = template.render(chatRequest({ messages, tools: [tool] }));
    expect(text).toMatch(/^\[You are a helper\.\]<user>You can call functions[^]*weather[^]*a$/);
  });

  it("of several types are shown with the first where a template cannot take a list", () => {
    const template = create(
      `{%- macro kind(t) -%}{%- if t == 'string' -%}str{%- else -%}{%- for x in t -%}{{ kind(x) }}{%- endfor -%}{%- endif -%}{%- endmacro -%}
{%- for t in tools or [] -%}{{ t.function.name }}({{ kind(t.function.parameters.properties[(t.function.parameters.properties | list)[0]].type) }}){%- endfor -%}{%- for m in messages -%}<{{ m.role }}>{{ m.content }}{%- endfor -%}`,
    );
    const nullable = { type: "object", properties: { city: { type: ["string", "null"] } } };
    const request = chatRequest({
      messages,
      tools: [{ function: { name: "f", parameters: nullable } }],
    });
    expect(template.render(request)).toMatchObject({
      text: "f(str)<user>a",
      adaptations: [
        "empty descriptions and missing types were added to the tools' parameters, and of several types the first is shown",
      ],
    });
  });

  it("with results in parts are shown as text", () => {
    const template = create(
      `{%- for m in messages -%}{%- if m.tool_calls is defined -%}{{ m.tool_calls[0].function.name }}{{ m.tool_calls[0].function.arguments | tojson }}{%- else -%}<{{ m.role }}>{{ m.content }}{%- endif -%}{%- endfor -%}`,
    );
    const turns = [
      user("a"),
      { role: "assistant", content: null, tool_calls: [call("1", "f")] },
      {
        role: "tool",
        tool_call_id: "1",
        content: [
          { type: "text", text: "one" },
          { type: "text", text: "two" },
        ],
      },
    ];
    expect(template.render(chatRequest({ messages: turns as never })).text).toContain("<tool>one\ntwo");
  });
});

describe("a model without a template", () => {
  it("writes ChatML where its vocabulary has the tokens, else a dialogue whose marks end the answer", () => {
    const chatml = createChatTemplate({ bosToken: "", eosToken: "", controlTexts: ["<|im_start|>", "<|im_end|>"] });
    expect(chatml).toMatchObject({ fallback: "ChatML" });
    const plain = createChatTemplate({ bosToken: "", eosToken: "", controlTexts: [] });
    expect(plain.fallback).toBe("plain dialogue");
    expect(planChat(chatRequest({ messages: [user("a")] }), plain).stopTexts).toEqual(
      expect.arrayContaining(["\nUser:", "\nAssistant:"]),
    );
  });
});
