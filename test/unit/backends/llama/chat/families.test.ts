// The family of a template, by the markup that it writes around calls. Each line has that markup of a published template, joined as
// the template joins it (llama.cpp v0.5.0, models/templates).
import { describe, expect, it } from "vitest";
import { detectFamily } from "../../../../../src/backends/llama/chat/families/families.ts";

const templates: readonly (readonly [models: string, family: string, marks: string])[] = [
  ["Kimi K2", "kimi-k2", "'<|tool_calls_section_begin|>' '<|tool_call_begin|>' id '<|tool_call_argument_begin|>'"],
  ["GLM 4.5 to 4.7", "generic", "'<tool_call>' + tc.name\n<arg_key>{{ k }}</arg_key>\n<arg_value>{{ v }}</arg_value>"],
  ["MiniMax M1", "generic", '<tool_calls>\n{"name": <tool-name>, "arguments": <args-json-object>}\n</tool_calls>'],
  ["MiniMax M2", "generic", "<minimax:tool_call>\n<invoke name='x'>\n<parameter name='k'>v</parameter></invoke>"],
  ["MiniMax M3", "generic", "ns_token ~ '<tool_call>' ~ ns_token ~ '<invoke name=\"'"],
  ["LFM2", "lfm2", "'List of tools: <|tool_list_start|>[' <|tool_call_start|>[f(a=1)]<|tool_call_end|>"],
  ["LFM2.5 Instruct", "lfm2", "'List of tools: [' tool | tojson ']'"],
  ["MiniCPM5", "minicpm5", '<function name="function-name"><param name="param-name">param-value</param></function>'],
  ["Gemma 4", "gemma4", "'<|tool_call>call:' + name + '{' '}<tool_call|>' '<|turn>model'"],
  ["DeepSeek V3.2, V4", "generic", "'<｜Assistant｜>' dsml_token = '｜DSML｜' '<' + dsml_token + 'function_calls>'"],
  ["DeepSeek V3", "deepseek", "'<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>' + type + '<｜tool▁sep｜>' '\\n```json'"],
  ["DeepSeek V3.1", "deepseek-v3.1", "'<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>' + name + '<｜tool▁sep｜>'"],
  ["Apriel 1.5", "generic", "within <tool_call></tool_call> XML tags '\\n<tool_calls>['"],
  [
    "Qwen 3, Hermes 3",
    "hermes",
    '<tool_call>\n{"name": <function-name>, "arguments": <args-json-object>}\n</tool_call>',
  ],
  [
    "Qwen3-Coder",
    "qwen3-coder",
    "<tool_call>\n<function=x>\n<parameter=k>\nv\n</parameter>\n</function>\n</tool_call>",
  ],
];

describe("a template's family", () => {
  it.each(templates)("of %s is %s", (_models, family, marks) => {
    expect(detectFamily(`{% for m in messages %}{{ m.content }}{% endfor %}${marks}`).name).toBe(family);
  });
});
