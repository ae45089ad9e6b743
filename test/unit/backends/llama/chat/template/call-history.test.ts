// Calls of earlier turns, and their results, in the form that a model's family writes and knows.
import { describe, expect, it } from "vitest";
import {
  createChatTemplate,
  type ChatTemplate,
} from "../../../../../../src/backends/llama/chat/template/chat-template.ts";
import { createOutputParser } from "../../../../../../src/backends/llama/chat/output-parser.ts";
import { chatRequest, type WireMessage } from "../../../../../support/chat-request.ts";

const create = (source: string, family?: string): ChatTemplate =>
  createChatTemplate({
    source,
    bosToken: "",
    eosToken: "",
    controlTexts: [],
    ...(family === undefined ? {} : { family }),
  });

const call = (id: string, name: string, args: unknown = {}): NonNullable<WireMessage["tool_calls"]>[number] => ({
  id,
  function: { name, arguments: JSON.stringify(args) },
});
const calls = (...made: NonNullable<WireMessage["tool_calls"]>): WireMessage => ({
  role: "assistant",
  content: null,
  tool_calls: made,
});
const result = (id: string, content: string): WireMessage => ({ role: "tool", tool_call_id: id, content });
const user = (content: string): WireMessage => ({ role: "user", content });

/** Several calls of one turn, then one of another turn, with ids as this server makes them. */
const history = [
  user("hi"),
  calls(call("call_a", "weather", { city: "Rome" }), call("call_b", "time")),
  result("call_a", "sunny"),
  result("call_b", "noon"),
  calls(call("call_c", "weather", { city: "Oslo" })),
  result("call_c", "snow"),
];

describe("Kimi K2", () => {
  const messages = (id: string): string =>
    `<|tool_calls_section_begin|>{%- for c in m.tool_calls -%}<|tool_call_begin|>${id}<|tool_call_argument_begin|>{{ c.function.arguments | tojson }}<|tool_call_end|>{%- endfor -%}<|tool_calls_section_end|>`;
  const template = (id: string): string =>
    `{%- for m in messages -%}<{{ m.role }}>{%- if m.tool_calls -%}${messages(id)}{%- elif m.role == 'tool' -%}## Return of {{ m.tool_call_id }}: {{ m.content }}{%- else -%}{{ m.content }}{%- endif -%}{%- endfor -%}`;

  it("reads a call's name in its id, numbered through the conversation", () => {
    const { text } = create(template("{{ c.id }}")).render(chatRequest({ messages: history }));
    expect(text.match(/functions\.\w+:\d/g)).toEqual([
      "functions.weather:0",
      "functions.time:1",
      "functions.weather:0",
      "functions.time:1",
      "functions.weather:2",
      "functions.weather:2",
    ]);
    expect(text).toContain("## Return of functions.time:1: noon");
    expect(text).not.toMatch(/call_[abc]\b/);
  });

  it("finds a result by the number that the template gives to its call", () => {
    const numbered = create(template("functions.{{ c.function.name }}:{{ loop.index0 }}"));
    const { text } = numbered.render(chatRequest({ messages: history }));
    expect(text).toMatch(/Return of functions\.weather:0: sunny.*Return of functions\.time:1: noon/);
    expect(text).toContain("## Return of functions.weather:0: snow");
  });

  it("gives results that share an id to the latest call with it", () => {
    const same = [
      user("hi"),
      calls(call("0", "time")),
      result("0", "noon"),
      calls(call("0", "time")),
      result("0", "one"),
    ];
    const { text } = create(template("{{ c.id }}")).render(chatRequest({ messages: same }));
    expect(text).toMatch(/Return of functions\.time:0: noon.*Return of functions\.time:1: one/);
  });
});

describe("a template that shows no calls", () => {
  const silent = "{%- for m in messages -%}<{{ m.role }}>{{ m.content }}{%- endfor -%}";

  it.each([
    [
      "kimi-k2",
      '<|tool_calls_section_begin|><|tool_call_begin|>functions.weather:0<|tool_call_argument_begin|>{"city":"Rome"}<|tool_call_end|><|tool_call_begin|>functions.time:1<|tool_call_argument_begin|>{}<|tool_call_end|><|tool_calls_section_end|>',
      '<|tool_calls_section_begin|><|tool_call_begin|>functions.weather:2<|tool_call_argument_begin|>{"city":"Oslo"}<|tool_call_end|><|tool_calls_section_end|>',
    ],
    [
      "lfm2",
      '<|tool_call_start|>[weather(city="Rome"), time()]<|tool_call_end|>',
      '<|tool_call_start|>[weather(city="Oslo")]<|tool_call_end|>',
    ],
    [
      "minicpm5",
      '<function name="weather"><param name="city">Rome</param></function>\n<function name="time"></function>',
      '<function name="weather"><param name="city">Oslo</param></function>',
    ],
    [
      "gemma4",
      '<|tool_call>call:weather{city:<|"|>Rome<|"|>}<tool_call|><|tool_call>call:time{}<tool_call|>',
      '<|tool_call>call:weather{city:<|"|>Oslo<|"|>}<tool_call|>',
    ],
  ])("of the family %s gets them as the model writes them", (family, first, second) => {
    const { text } = create(silent, family).render(chatRequest({ messages: history }));
    expect(text).toContain(`<assistant>${first}<tool>sunny<tool>noon<assistant>${second}<tool>snow`);
  });

  it.each(["kimi-k2", "lfm2", "minicpm5", "gemma4"])("gets what the parser of %s reads", (family) => {
    const template = create(silent, family);
    const args = { city: 'a <b> & "c"\nd', count: 2, deep: [null, { on: true }] };
    const { text } = template.render(chatRequest({ messages: [user("hi"), calls(call("1", "weather", args))] }));
    const parameters = {
      type: "object",
      properties: { city: { type: "string" }, count: { type: "integer" }, deep: { type: "array" } },
    };
    const parser = createOutputParser({
      family: template.family,
      tools: [{ name: "weather", parameters, strict: false }],
      parallel: true,
      startsInReasoning: false,
    });
    const events = [...parser.push(text.slice(text.indexOf("<assistant>") + 11)), ...parser.end()];
    const read = events.map((event) => (event.type === "tool-call-delta" ? event.arguments : "")).join("");
    expect(JSON.parse(read)).toEqual(args);
  });
});

describe("Gemma 4", () => {
  const calls4 = `{%- for c in m.tool_calls -%}<|tool_call>call:{{ c.function.name }}{ {{- c.function.arguments | tojson -}} }<tool_call|>{%- endfor -%}`;
  const spoken: WireMessage = { role: "assistant", content: "Let me look.", tool_calls: [call("1", "time")] };

  it("has what a turn says and its calls in one turn", () => {
    const template = create(
      `{%- for m in messages -%}{%- if m.role == 'tool' -%}<|tool_response>{{ m.content }}<tool_response|>{%- elif m.tool_calls -%}${calls4}{%- else -%}<|turn>{{ m.role }}\n{{ m.content + "<turn|>\\n" }}{%- endif -%}{%- endfor -%}`,
    );
    const { text } = template.render(
      chatRequest({ messages: [user("a<turn|>\n<|tool_call>"), spoken, result("1", "noon")] }),
    );
    expect(text).toBe(
      "<|turn>user\na<turn|>\n<|tool_call><turn|>\n<|turn>assistant\nLet me look.<|tool_call>call:time{{}}<tool_call|><|tool_response>noon<tool_response|>",
    );
  });

  it("has the results and the answer in the turn that called, where its template wants them there", () => {
    const template = create(
      `{%- for m in messages -%}<|turn>{{ m.role }}:{%- if m.tool_calls -%}${calls4}{%- endif -%}{%- for r in m.tool_responses or [] -%}<|tool_response>{{ r.name }}={{ r.response }}<tool_response|>{%- endfor -%}{{ m.content or '' }}{%- endfor -%}`,
    );
    const messages = [...history.slice(0, 4), { role: "assistant", content: "Sunny at noon." }, user("more")];
    const { text } = template.render(chatRequest({ messages }));
    expect(text).toContain(
      "<|tool_response>weather=sunny<tool_response|><|tool_response>time=noon<tool_response|>Sunny at noon.<|turn>user:more",
    );
    expect(text).not.toContain("<|turn>tool");
  });
});

describe("results of tools", () => {
  it("have the name of the tool, which clients leave out", () => {
    const named = create(
      `{%- for m in messages -%}{%- if m.tool_calls -%}{%- for c in m.tool_calls -%}[{{ c.function.name }} {{ c.function.arguments | tojson }}]{%- endfor -%}{%- elif m.role == 'tool' -%}{{ m.name }}: {{ m.content }};{%- else -%}{{ m.content }}{%- endif -%}{%- endfor -%}`,
    );
    expect(named.render(chatRequest({ messages: history })).text).toContain("weather: sunny;time: noon;");
  });
});

describe("tools as text", () => {
  const template = create(
    "{{ 'Functions: ' + functions }}{%- for m in messages -%}<{{ m.role }}>{{ m.content }}{%- endfor -%}",
  );
  const messages = [user("hi")];

  it("are given to a template that adds them to a string", () => {
    const tools = [{ function: { name: "weather", parameters: { type: "object" } } }];
    const { text } = template.render(chatRequest({ messages, tools }));
    const [, json = ""] = /^Functions: ([^]*)<user>/.exec(text) ?? [];
    expect(JSON.parse(json)).toMatchObject([{ function: { name: "weather" } }]);
  });

  it("are an empty list where there are none", () => {
    expect(template.render(chatRequest({ messages })).text).toBe("Functions: []<user>hi");
  });
});
