// Kimi K2: `functions.name:0` as the id of a call, in which alone its name stands, and JSON arguments. The number counts the calls of
// the whole conversation; the model loses track where an earlier call has an id of another form (Kimi-K2, docs/tool_call_guidance.md).
import type { ToolCallShape } from "../../tool-call-shape.ts";
import type { ChatFamily } from "../../types.ts";

const SHAPE: ToolCallShape = {
  kind: "named-json",
  open: "<|tool_calls_section_begin|>",
  beforeEach: "<|tool_call_begin|>functions.",
  beforeNumber: ":",
  beforeArguments: "<|tool_call_argument_begin|>",
  afterEach: "<|tool_call_end|>",
  separator: "",
  close: "<|tool_calls_section_end|>",
};

export const KIMI_K2: ChatFamily = {
  name: "kimi-k2",
  models: "Kimi K2, K2 Thinking",
  detect: (template) => template.includes("<|tool_calls_section_begin|>"),
  parser: "markers",
  calls: [
    // The model writes the singular at times, or no section at all.
    { where: "anywhere", shape: SHAPE, otherOpens: ["<|tool_call_section_begin|>"] },
    { where: "anywhere", shape: { ...SHAPE, open: "", close: "" } },
  ],
  formatShape: SHAPE,
  triggers: [{ text: "<|tool_calls_section_begin|>" }],
  reasoning: [{ open: "<think>", close: "</think>" }],
  callsEndReasoning: true,
  dropped: ["<|tool_calls_section_end|>", "<|tool_call_section_end|>"],
  stopTexts: [],
  keepTokens: [
    "<|tool_calls_section_begin|>",
    "<|tool_calls_section_end|>",
    "<|tool_call_section_begin|>",
    "<|tool_call_section_end|>",
    "<|tool_call_begin|>",
    "<|tool_call_argument_begin|>",
    "<|tool_call_end|>",
    "<think>",
    "</think>",
  ],
};
