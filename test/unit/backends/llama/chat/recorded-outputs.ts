// Outputs of models, with the text, reasoning and calls that they stand for. Sources: llama.cpp's tests/test-chat.cpp (v0.5.0), the
// models' own cards and templates, and openai/harmony's format description. Shortened where length adds nothing.
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
];
