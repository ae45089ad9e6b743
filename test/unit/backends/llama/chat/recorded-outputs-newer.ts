// The third part of the recorded outputs: models of 2025 and 2026. recorded-outputs.ts describes their form and sources.
import type { RecordedOutput } from "./recorded-outputs.ts";

const CARD = "model card";
const LLAMA_CPP = "llama.cpp tests/test-chat.cpp";
const HELLO = "Hello, world!\nWhat's up?";
const SPECIAL = ["special_function", '{"arg1": 1}'] as const;

export const NEWER_RECORDED_OUTPUTS: readonly RecordedOutput[] = [
  // Kimi K2
  {
    family: "kimi-k2",
    title: "a call behind thinking",
    source: LLAMA_CPP,
    output:
      '<think>I\'m thinking</think><|tool_calls_section_begin|><|tool_call_begin|>functions.special_function:0<|tool_call_argument_begin|>{"arg1": 1}<|tool_call_end|><|tool_calls_section_end|>',
    reasoning: "I'm thinking",
    calls: [SPECIAL],
  },
  {
    family: "kimi-k2",
    title: "text, and two calls of which the first has a high number",
    source: LLAMA_CPP,
    output: `${HELLO}<|tool_calls_section_begin|><|tool_call_begin|>functions.special_function:11<|tool_call_argument_begin|>{"arg1": 1}<|tool_call_end|><|tool_call_begin|>functions.special_function_with_opt:12<|tool_call_argument_begin|>{"arg1": 1, "arg2": 2}<|tool_call_end|><|tool_calls_section_end|>`,
    text: HELLO,
    calls: [SPECIAL, ["special_function_with_opt", '{"arg1": 1, "arg2": 2}']],
  },
  {
    family: "kimi-k2",
    title: "calls inside thinking that was never closed",
    source: LLAMA_CPP,
    output:
      '<think>I need two<|tool_calls_section_begin|><|tool_call_begin|>functions.special_function:0<|tool_call_argument_begin|>{"arg1": 1}<|tool_call_end|><|tool_call_begin|>functions.python:1<|tool_call_argument_begin|>{"code": "print(\'hey\')"}<|tool_call_end|><|tool_calls_section_end|>',
    reasoning: "I need two",
    calls: [SPECIAL, ["python", '{"code": "print(\'hey\')"}']],
  },
  {
    family: "kimi-k2",
    title: "calls without a section and without their ends",
    source: LLAMA_CPP,
    output:
      '<|tool_call_begin|>functions.special_function:0<|tool_call_argument_begin|>{"arg1": 1}<|tool_call_begin|>functions.python:1<|tool_call_argument_begin|>{"code": "1"}',
    calls: [SPECIAL, ["python", '{"code": "1"}']],
  },

  // LFM2
  {
    family: "lfm2",
    title: "two calls, and text around them",
    source: CARD,
    output:
      '<|tool_call_start|>[get_weather(city="Paris", metric=True), special_function(arg1=1)]<|tool_call_end|>Looking it up.',
    text: "Looking it up.",
    calls: [["get_weather", '{"city": "Paris", "metric": true}'], SPECIAL],
  },
  {
    family: "lfm2",
    title: "single quotes, JSON's constants and escapes",
    source: LLAMA_CPP,
    output:
      "Wait.<|tool_call_start|>[get_weather(city='It\\'s\\n', metric=true, days=[{\"on\": null}])]<|tool_call_end|>",
    text: "Wait.",
    calls: [["get_weather", '{"city": "It\'s\\n", "metric": true, "days": [{"on": null}]}']],
  },
  {
    family: "lfm2",
    title: "a call in JSON, behind thinking that names the marker",
    source: CARD,
    output:
      '<think>Is it <|tool_call_start|>?</think><|tool_call_start|>[{"name": "special_function", "arguments": {"arg1": 1}}]<|tool_call_end|>',
    reasoning: "Is it <|tool_call_start|>?",
    calls: [SPECIAL],
  },
  {
    family: "lfm2",
    title: "links, which are no calls",
    source: LLAMA_CPP,
    output: "Use [link text](url), as in [Wikipedia](https://www.wikipedia.org).",
    text: "Use [link text](url), as in [Wikipedia](https://www.wikipedia.org).",
  },

  // MiniCPM5
  {
    family: "minicpm5",
    title: "two calls behind thinking that the prompt opened",
    source: LLAMA_CPP,
    output:
      'I\'m thinking</think>\n\n<function name="python"><param name="code">print(\'x\')</param></function>\n<function name="special_function"><param name="arg1">1</param></function>',
    options: { startsInReasoning: true },
    reasoning: "I'm thinking",
    calls: [["python", '{"code": "print(\'x\')"}'], SPECIAL],
  },
  {
    family: "minicpm5",
    title: "a value that needs to stand apart from the markup",
    source: LLAMA_CPP,
    output:
      'Look:<function name="get_weather"><param name="city"><![CDATA[<a href="/x">hi\n</a> ]] </param>]]></param><param name="metric">true</param></function>',
    text: "Look:",
    calls: [["get_weather", '{"city": "<a href=\\"/x\\">hi\\n</a> ]] </param>", "metric": true}']],
  },
  {
    family: "minicpm5",
    title: "values as its template prints them",
    source: CARD,
    output:
      '<function name="get_weather"><param name="days">[1, \'two\', None]</param><param name="metric">False</param></function>',
    calls: [["get_weather", '{"days": [1, "two", null], "metric": false}']],
  },
  {
    family: "minicpm5",
    title: "a call without parameters",
    source: LLAMA_CPP,
    output: '<function name="python"></function>',
    calls: [["python", "{}"]],
  },

  // Gemma 4
  {
    family: "gemma4",
    title: "a call behind thinking",
    source: LLAMA_CPP,
    output:
      '<|channel>thought\nI\'m\nthinking<channel|><|tool_call>call:get_weather{city:<|"|>London<|"|>}<tool_call|>',
    reasoning: "I'm\nthinking",
    calls: [["get_weather", '{"city": "London"}']],
  },
  {
    family: "gemma4",
    title: "text, and two calls with values of all kinds",
    source: LLAMA_CPP,
    output: `${HELLO}<|tool_call>call:get_weather{city:<|"|>a "b"\n{c}, d<|"|>,days:[1,-2.5e3,{on:null,<|"|>x y<|"|>:[]}],metric:true}<tool_call|><|tool_call>call:special_function{arg1:1}<tool_call|>`,
    text: HELLO,
    calls: [
      ["get_weather", '{"city": "a \\"b\\"\\n{c}, d", "days": [1, -2.5e3, {"on": null, "x y": []}], "metric": true}'],
      SPECIAL,
    ],
  },
  {
    family: "gemma4",
    title: "values as its template prints them, and as JSON",
    source: CARD,
    output: '<|tool_call>call:get_weather{days:None, metric:True, city:"Rome"}<tool_call|>',
    calls: [["get_weather", '{"days": null, "metric": true, "city": "Rome"}']],
  },
  {
    family: "gemma4",
    title: "a call without arguments",
    source: LLAMA_CPP,
    output: "<|tool_call>call:python{}<tool_call|>",
    calls: [["python", "{}"]],
  },
  {
    family: "gemma4",
    title: "an empty thought behind the text",
    source: LLAMA_CPP,
    output: `<|channel>thought\n<channel|>${HELLO}<|channel>thought\n<channel|>`,
    text: HELLO,
  },
];
