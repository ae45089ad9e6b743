// The second half of the recorded outputs; recorded-outputs.ts describes their form and sources.
import type { RecordedOutput } from "./recorded-outputs.ts";

const CARD = "model card";
const LLAMA_CPP = "llama.cpp tests/test-chat.cpp";
const HELLO = "Hello, world!\nWhat's up?";
const SPECIAL = ["special_function", '{"arg1": 1}'] as const;

export const MORE_RECORDED_OUTPUTS: readonly RecordedOutput[] = [
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
