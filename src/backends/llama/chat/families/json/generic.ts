// Models of no known family. They are asked for Hermes calls (tool-text.ts), and other common formats are parsed too: a bare JSON
// object, a list of Python calls, lists after `[TOOL_CALLS]`, `<tool_calls>` or `functools`.
import type { ToolCallShape } from "../../tool-call-shape.ts";
import type { ChatFamily } from "../../types.ts";

const SHAPE: ToolCallShape = {
  kind: "json",
  open: "<tool_call>\n",
  close: "\n</tool_call>",
  separator: "\n",
  list: false,
  nameKey: "name",
  argumentsKey: "arguments",
};

export const GENERIC: ChatFamily = {
  name: "generic",
  models: "everything else",
  detect: () => true,
  parser: "markers",
  calls: [
    { where: "anywhere", shape: SHAPE, otherOpens: ["<|tool_call|>"] },
    { where: "anywhere", shape: { ...SHAPE, open: "[TOOL_CALLS]", close: "", list: true } },
    { where: "anywhere", shape: { ...SHAPE, open: "<tool_calls>", close: "</tool_calls>", list: true } },
    { where: "at-start", shape: { ...SHAPE, open: "functools", close: "", list: true } },
    { where: "at-start", shape: { ...SHAPE, open: "```json\n", close: "\n```" } },
    { where: "at-start", shape: { ...SHAPE, open: "", close: "", separator: "; " } },
    { where: "at-start", shape: { kind: "pythonic", open: "", close: "" } },
  ],
  formatShape: SHAPE,
  triggers: [{ text: "<tool_call>" }],
  reasoning: [
    { open: "<think>", close: "</think>" },
    { open: "[THINK]", close: "[/THINK]" },
    { open: "<seed:think>", close: "</seed:think>" },
  ],
  dropped: [],
  stopTexts: [],
  keepTokens: [
    "<tool_call>",
    "</tool_call>",
    "<|tool_call|>",
    "[TOOL_CALLS]",
    "<think>",
    "</think>",
    "[THINK]",
    "[/THINK]",
    "<seed:think>",
    "</seed:think>",
  ],
};
