// LFM2 and LFM2.5: Python calls in a list between control tokens, or JSON there where a prompt asks for it.
import type { ToolCallShape } from "../../tool-call-shape.ts";
import type { ChatFamily } from "../../types.ts";

const SHAPE: ToolCallShape = { kind: "pythonic", open: "<|tool_call_start|>", close: "<|tool_call_end|>" };

export const LFM2: ChatFamily = {
  name: "lfm2",
  models: "LFM2, LFM2.5",
  // Some of their templates show the tools, and leave it to the model to know how they are called.
  detect: (template) =>
    template.includes("<|tool_call_start|>") ||
    template.includes("<|tool_list_start|>") ||
    template.includes("List of tools: ["),
  parser: "markers",
  calls: [
    { where: "anywhere", shape: SHAPE },
    {
      where: "anywhere",
      shape: {
        kind: "json",
        open: SHAPE.open,
        close: SHAPE.close,
        separator: "",
        list: true,
        nameKey: "name",
        argumentsKey: "arguments",
      },
    },
  ],
  formatShape: SHAPE,
  triggers: [{ text: "<|tool_call_start|>" }],
  reasoning: [{ open: "<think>", close: "</think>" }],
  dropped: [],
  stopTexts: [],
  keepTokens: ["<|tool_call_start|>", "<|tool_call_end|>", "<think>", "</think>"],
};
