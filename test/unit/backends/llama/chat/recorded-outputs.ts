// Outputs as the models write them, and what they mean. Sources: llama.cpp's tests/test-chat.cpp (v0.5.0), the models' own cards
// and templates, and openai/harmony's format description. Shortened where length adds nothing.
import type { OutputParserOptions } from "../../../../../src/backends/llama/chat/types.ts";

export interface RecordedOutput {
  readonly family: string;
  readonly title: string;
  readonly source: string;
  readonly output: string;
  readonly options?: Partial<OutputParserOptions>;
  readonly text?: string;
  readonly reasoning?: string;
  readonly calls?: readonly (readonly [name: string, argumentsJson: string])[];
}

const CARD = "model card";
const LLAMA_CPP = "llama.cpp tests/test-chat.cpp";
const HELLO = "Hello, world!\nWhat's up?";
const SPECIAL = ["special_function", '{"arg1": 1}'] as const;

export const RECORDED_OUTPUTS: readonly RecordedOutput[] = [
  // Hermes, Qwen
  { family: "hermes", title: "plain text", source: LLAMA_CPP, output: HELLO, text: HELLO },
  {
    family: "hermes",
    title: "a call",
    source: LLAMA_CPP,
    output: '<tool_call>\n{"name": "special_function", "arguments": {"arg1": 1}}\n</tool_call>',
    calls: [SPECIAL],
  },
  {
    family: "hermes",
    title: "text and two calls",
    source: CARD,
    output:
      'Let me look.\n<tool_call>\n{"name": "get_weather", "arguments": {"city": "Paris"}}\n</tool_call>\n<tool_call>\n{"arguments": {"city": "Rome"}, "name": "get_weather"}\n</tool_call>',
    text: "Let me look.",
    calls: [
      ["get_weather", '{"city": "Paris"}'],
      ["get_weather", '{"city": "Rome"}'],
    ],
  },
  {
    family: "hermes",
    title: "thinking, then a call",
    source: CARD,
    output:
      '<think>\nI\'m\nthinking\n</think>\n\n<tool_call>\n{"name": "special_function", "arguments": {"arg1": 1}}\n</tool_call>',
    reasoning: "I'm\nthinking",
    calls: [SPECIAL],
  },
  {
    family: "hermes",
    title: "a prompt that opened the thinking",
    source: LLAMA_CPP,
    output: `I'm\nthinking\n</think>\n\n${HELLO}`,
    options: { startsInReasoning: true },
    reasoning: "I'm\nthinking",
    text: HELLO,
  },
  {
    family: "hermes",
    title: "empty thinking",
    source: CARD,
    output: `<think>\n\n</think>\n\n${HELLO}`,
    text: HELLO,
  },
  {
    family: "hermes",
    title: "an unknown name stays text",
    source: "ours",
    output: 'a <tool_call>\n{"name": "nobody", "arguments": {}}\n</tool_call> b',
    text: 'a <tool_call>\n{"name": "nobody", "arguments": {}}\n</tool_call> b',
  },
  {
    family: "hermes",
    title: "a call without arguments",
    source: "ours",
    output: '<tool_call>{"name": "special_function"}</tool_call>',
    calls: [["special_function", "{}"]],
  },
  {
    family: "hermes",
    title: "arguments as JSON in a string",
    source: "ours",
    output: '<tool_call>{"name": "special_function", "arguments": "{\\"arg1\\": 1}"}</tool_call>',
    calls: [SPECIAL],
  },
  {
    family: "hermes",
    title: "braces and markup inside a string",
    source: "ours",
    output: '<tool_call>{"name": "special_function", "arguments": {"arg1": "}</tool_call>\\"{"}}</tool_call>after',
    calls: [["special_function", '{"arg1": "}</tool_call>\\"{"}']],
    text: "after",
  },
  {
    family: "hermes",
    title: "one call where one is allowed",
    source: "ours",
    output:
      '<tool_call>{"name": "special_function", "arguments": {"arg1": 1}}</tool_call>\n<tool_call>{"name": "special_function", "arguments": {"arg1": 2}}</tool_call>',
    options: { parallel: false },
    calls: [SPECIAL],
  },
  {
    family: "hermes",
    title: "no tools, no parsing of tools",
    source: "ours",
    output: '<think>x</think><tool_call>{"name": "special_function", "arguments": {}}</tool_call>',
    options: { tools: [] },
    reasoning: "x",
    text: '<tool_call>{"name": "special_function", "arguments": {}}</tool_call>',
  },
  {
    family: "hermes",
    title: "arguments that are cut off",
    source: "ours",
    output: '<tool_call>{"name": "special_function", "arguments": {"arg1": "ab',
    calls: [["special_function", '{"arg1": "ab']],
  },

  // Qwen3-Coder
  {
    family: "qwen3-coder",
    title: "a call with a number",
    source: LLAMA_CPP,
    output: "<tool_call>\n<function=special_function>\n<parameter=arg1>\n1\n</parameter>\n</function>\n</tool_call>",
    calls: [["special_function", '{"arg1": 1}']],
  },
  {
    family: "qwen3-coder",
    title: "strings over several lines, objects, and Python's constants",
    source: LLAMA_CPP,
    output:
      'Sure.\n<tool_call>\n<function=get_weather>\n<parameter=city>\nParis "FR"\n  <b>🗼</b>\n</parameter>\n<parameter=days>\n[1, 2]\n</parameter>\n<parameter=metric>\nTrue\n</parameter>\n</function>\n</tool_call>',
    text: "Sure.",
    calls: [["get_weather", '{"city": "Paris \\"FR\\"\\n  <b>🗼</b>", "days": [1, 2], "metric": true}']],
  },
  {
    family: "qwen3-coder",
    title: "the outer tag left out, two calls",
    source: LLAMA_CPP,
    output:
      "<function=special_function>\n<parameter=arg1>\n1\n</parameter>\n</function>\n</tool_call>\n<tool_call>\n<function=special_function>\n</function>\n</tool_call>",
    calls: [
      ["special_function", '{"arg1": 1}'],
      ["special_function", "{}"],
    ],
  },

  // Llama 3
  { family: "llama3", title: "plain text", source: LLAMA_CPP, output: HELLO, text: HELLO },
  {
    family: "llama3",
    title: "a bare object",
    source: CARD,
    output: '{"name": "get_weather", "parameters": {"city": "San Francisco, CA"}}',
    calls: [["get_weather", '{"city": "San Francisco, CA"}']],
  },
  {
    family: "llama3",
    title: "an object with a type, and a second one",
    source: CARD,
    output:
      '{"type": "function", "name": "get_weather", "parameters": {"city": "A"}}; {"name": "get_weather", "parameters": {"city": "B"}}',
    calls: [
      ["get_weather", '{"city": "A"}'],
      ["get_weather", '{"city": "B"}'],
    ],
  },
  {
    family: "llama3",
    title: "after the Python tag",
    source: CARD,
    output: '<|python_tag|>{"name": "get_weather", "parameters": {"city": "A"}}',
    calls: [["get_weather", '{"city": "A"}']],
  },
  {
    family: "llama3",
    title: "a built-in tool",
    source: CARD,
    output: '<|python_tag|>brave_search.call(query="Menlo Park California weather")',
    calls: [["brave_search", '{"query": "Menlo Park California weather"}']],
  },
  {
    family: "llama3",
    title: "JSON that is the answer",
    source: "ours",
    output: '{"answer": {"name": "special_function"}}',
    text: '{"answer": {"name": "special_function"}}',
  },
  {
    family: "llama3",
    title: "pythonic calls of the small models",
    source: CARD,
    output: "[get_weather(city='San Francisco', metric=True), special_function(arg1=1)]",
    calls: [
      ["get_weather", '{"city": "San Francisco", "metric": true}'],
      ["special_function", '{"arg1": 1}'],
    ],
  },

  // Llama 4
  {
    family: "llama4",
    title: "calls between markers",
    source: CARD,
    output: '<|python_start|>[get_weather(city="It\'s", days=[1, (2, 3)], metric=None)]<|python_end|>',
    calls: [["get_weather", '{"city": "It\'s", "days": [1, [2, 3]], "metric": null}']],
  },
  {
    family: "llama4",
    title: "a list that is text",
    source: "ours",
    output: "[1, 2, 3] is a list",
    text: "[1, 2, 3] is a list",
  },

  // Mistral
  {
    family: "mistral",
    title: "a list with ids",
    source: LLAMA_CPP,
    output: '[TOOL_CALLS][{"name": "special_function", "arguments": {"arg1": 1}, "id": "123456789"}]',
    calls: [SPECIAL],
  },
  {
    family: "mistral",
    title: "two calls after text",
    source: CARD,
    output:
      'Wait.[TOOL_CALLS] [{"name": "get_weather", "arguments": {"city": "A"}}, {"name": "get_weather", "arguments": {"city": "B"}}]',
    text: "Wait.",
    calls: [
      ["get_weather", '{"city": "A"}'],
      ["get_weather", '{"city": "B"}'],
    ],
  },
  {
    family: "mistral-v11",
    title: "name and arguments after text",
    source: LLAMA_CPP,
    output: `${HELLO}[TOOL_CALLS]special_function[ARGS]{"arg1": 1}`,
    text: HELLO,
    calls: [SPECIAL],
  },
  {
    family: "mistral-v11",
    title: "ids, and several calls",
    source: LLAMA_CPP,
    output:
      '[TOOL_CALLS]special_function[CALL_ID]000000001[ARGS]{"arg1": 1}[TOOL_CALLS]special_function_with_opt[CALL_ID]000000002[ARGS]{"arg1": 1, "arg2": 2}',
    calls: [SPECIAL, ["special_function_with_opt", '{"arg1": 1, "arg2": 2}']],
  },
  {
    family: "mistral-v11",
    title: "Magistral's thinking",
    source: LLAMA_CPP,
    output: `[THINK]I'm\nthinking[/THINK]${HELLO}`,
    reasoning: "I'm\nthinking",
    text: HELLO,
  },

  // DeepSeek
  {
    family: "deepseek",
    title: "R1, thinking opened by the prompt",
    source: LLAMA_CPP,
    output: `I'm\nthinking</think>${HELLO}`,
    options: { startsInReasoning: true },
    reasoning: "I'm\nthinking",
    text: HELLO,
  },
  {
    family: "deepseek",
    title: "R1 Distill, a fenced call",
    source: LLAMA_CPP,
    output:
      '</think><｜tool▁calls▁begin｜><｜tool▁call▁begin｜>function<｜tool▁sep｜>special_function\n```json\n{"arg1": 1}```<｜tool▁call▁end｜><｜tool▁calls▁end｜>',
    options: { startsInReasoning: true },
    calls: [SPECIAL],
  },
  {
    family: "deepseek",
    title: "two fenced calls after text",
    source: CARD,
    output:
      'Hm. <｜tool▁calls▁begin｜><｜tool▁call▁begin｜>function<｜tool▁sep｜>get_weather\n```json\n{"city": "A"}\n```<｜tool▁call▁end｜>\n<｜tool▁call▁begin｜>function<｜tool▁sep｜>get_weather\n```json\n{"city": "B"}\n```<｜tool▁call▁end｜><｜tool▁calls▁end｜>',
    text: "Hm.",
    calls: [
      ["get_weather", '{"city": "A"}'],
      ["get_weather", '{"city": "B"}'],
    ],
  },
  {
    family: "deepseek-v3.1",
    title: "V3.1, two calls",
    source: LLAMA_CPP,
    output:
      'CONTENT<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>get_weather<｜tool▁sep｜>{"city": "A"}<｜tool▁call▁end｜><｜tool▁call▁begin｜>get_weather<｜tool▁sep｜>{"city": "B"}<｜tool▁call▁end｜><｜tool▁calls▁end｜>',
    text: "CONTENT",
    calls: [
      ["get_weather", '{"city": "A"}'],
      ["get_weather", '{"city": "B"}'],
    ],
  },

  // Granite
  {
    family: "granite",
    title: "a list after the marker",
    source: LLAMA_CPP,
    output: '<|tool_call|>[{"name": "special_function", "arguments": {"arg1": 1}}]',
    calls: [SPECIAL],
  },
  {
    family: "granite",
    title: "3.3, thoughts and response in tags",
    source: LLAMA_CPP,
    output: `<think>I'm\nthinking</think><response>${HELLO}</response>`,
    reasoning: "I'm\nthinking",
    text: HELLO,
  },
  {
    family: "granite",
    title: "3.2, thoughts in words",
    source: CARD,
    output: `Here is my thought process:\n\nI'm\nthinking\n\nHere is my response:\n\n${HELLO}`,
    reasoning: "I'm\nthinking",
    text: HELLO,
  },
  {
    family: "granite",
    title: "3.0, the list in another tag",
    source: CARD,
    output:
      '<tool_call>[{"name": "get_weather", "arguments": {"city": "A"}}, {"name": "special_function", "arguments": {"arg1": 1}}]',
    calls: [["get_weather", '{"city": "A"}'], SPECIAL],
  },

  // gpt-oss
  {
    family: "harmony",
    title: "analysis and final",
    source: LLAMA_CPP,
    output: `<|channel|>analysis<|message|>I'm\nthinking<|end|><|start|>assistant<|channel|>final<|message|>${HELLO}<|return|>`,
    reasoning: "I'm\nthinking",
    text: HELLO,
  },
  {
    family: "harmony",
    title: "commentary",
    source: LLAMA_CPP,
    output: `<|channel|>commentary<|message|>${HELLO}`,
    text: HELLO,
  },
  {
    family: "harmony",
    title: "recipient in the role",
    source: LLAMA_CPP,
    output: ' to=functions.special_function<|channel|>analysis <|constrain|>json<|message|>{"arg1": 1}<|call|>',
    calls: [SPECIAL],
  },
  {
    family: "harmony",
    title: "recipient in the channel, after thinking",
    source: LLAMA_CPP,
    output:
      '<|channel|>analysis<|message|>Hm<|end|><|start|>assistant<|channel|>commentary to=functions.special_function <|constrain|>json<|message|>{"arg1": 1}<|call|>',
    reasoning: "Hm",
    calls: [SPECIAL],
  },
  {
    family: "harmony",
    title: "a stray channel first",
    source: LLAMA_CPP,
    output: `<|channel|>commentary to=assistant<|channel|>analysis<|message|>Hm<|end|><|start|>assistant<|channel|>final<|message|>${HELLO}`,
    reasoning: "Hm",
    text: HELLO,
  },
  {
    family: "harmony",
    title: "a built-in tool that was not offered",
    source: LLAMA_CPP,
    output:
      '<|channel|>analysis<|message|>Hm<|end|><|start|>assistant<|channel|>commentary to=python <|constrain|>code<|message|>print("hello")',
    reasoning: 'Hmprint("hello")',
  },
  {
    family: "harmony",
    title: "JSON as the final text",
    source: LLAMA_CPP,
    output:
      '<|channel|>analysis<|message|>Hm<|end|><|start|>assistant<|channel|>final <|constrain|>json<|message|>{"amount": 123.45}',
    reasoning: "Hm",
    text: '{"amount": 123.45}',
  },
  { family: "harmony", title: "no channels at all", source: "ours", output: HELLO, text: HELLO },

  // Command R
  {
    family: "command-r7b",
    title: "a response",
    source: LLAMA_CPP,
    output: `<|START_RESPONSE|>${HELLO}<|END_RESPONSE|>`,
    text: HELLO,
  },
  {
    family: "command-r7b",
    title: "thinking and an action",
    source: LLAMA_CPP,
    output:
      '<|START_THINKING|>I\'m\nthinking<|END_THINKING|><|START_ACTION|>[\n    {"tool_call_id": "0", "tool_name": "special_function", "parameters": {"arg1": 1}}\n]<|END_ACTION|>',
    reasoning: "I'm\nthinking",
    calls: [SPECIAL],
  },
  {
    family: "command-r7b",
    title: "thinking and a response",
    source: LLAMA_CPP,
    output: `<|START_THINKING|>I'm\nthinking<|END_THINKING|><|START_RESPONSE|>${HELLO}<|END_RESPONSE|>`,
    reasoning: "I'm\nthinking",
    text: HELLO,
  },
  {
    family: "command-r",
    title: "an action on two lines",
    source: LLAMA_CPP,
    output: 'Action:\n```json\n[{"tool_name": "special_function", "parameters": {"arg1": 1}}]\n```',
    calls: [SPECIAL],
  },
  {
    family: "command-r",
    title: "an action on one line",
    source: CARD,
    output:
      'Action: ```json\n[\n    {\n        "tool_name": "special_function",\n        "parameters": {\n            "arg1": 1\n        }\n    }\n]```',
    calls: [["special_function", '{\n            "arg1": 1\n        }']],
  },
  {
    family: "command-r",
    title: "the tool that means no call",
    source: CARD,
    output: 'Action: ```json\n[{"tool_name": "directly_answer", "parameters": {}}]\n```',
  },

  // Functionary
  {
    family: "functionary-v3.1",
    title: "a call",
    source: LLAMA_CPP,
    output: '<function=special_function>{"arg1": 1}</function>',
    calls: [SPECIAL],
  },
  {
    family: "functionary-v3.1",
    title: "text and two calls",
    source: "ours",
    output:
      'Ok.\n<function=special_function>{"arg1": 1}</function><function=special_function_with_opt>{"arg2": 2}</function>',
    text: "Ok.",
    calls: [SPECIAL, ["special_function_with_opt", '{"arg2": 2}']],
  },
  { family: "functionary-v3.2", title: "text", source: LLAMA_CPP, output: `all\n${HELLO}`, text: HELLO },
  {
    family: "functionary-v3.2",
    title: "a call",
    source: LLAMA_CPP,
    output: 'special_function\n{"arg1": 1}',
    calls: [SPECIAL],
  },
  {
    family: "functionary-v3.2",
    title: "text and two calls",
    source: CARD,
    output: 'all\nSee >>> here.>>>special_function\n{"arg1": 1}>>>get_weather\n{"city": "A"}',
    text: "See >>> here.",
    calls: [SPECIAL, ["get_weather", '{"city": "A"}']],
  },
  {
    family: "functionary-v3.2",
    title: "bare code for the interpreter",
    source: CARD,
    output: 'python\nprint("hi")\n',
    calls: [["python", '{"code": "print(\\"hi\\")\\n"}']],
  },

  // Everything else
  { family: "generic", title: "plain text", source: "ours", output: HELLO, text: HELLO },
  {
    family: "generic",
    title: "the form that we ask for",
    source: "ours",
    output: '<tool_call>\n{"name": "special_function", "arguments": {"arg1": 1}}\n</tool_call>',
    calls: [SPECIAL],
  },
  {
    family: "generic",
    title: "Firefunction's list",
    source: LLAMA_CPP,
    output: ' functools[{"name": "special_function", "arguments": {"arg1": 1}}]',
    calls: [SPECIAL],
  },
  {
    family: "generic",
    title: "a fenced object in OpenAI's form",
    source: "ours",
    output: '```json\n{"type": "function", "function": {"name": "special_function", "arguments": {"arg1": 1}}}\n```',
    calls: [SPECIAL],
  },
  {
    family: "generic",
    title: "a fenced block that is text",
    source: "ours",
    output: '```json\n{"a": 1}\n```',
    text: '```json\n{"a": 1}\n```',
  },
];
