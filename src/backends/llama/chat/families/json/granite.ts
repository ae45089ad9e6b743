// Granite 3.0 to 3.3: a JSON list after `<|tool_call|>` (3.0 and 3.1 spell it `<tool_call>`). Granite 3.2 puts its reasoning
// between fixed sentences, 3.3 between tags. Granite 4 writes as Hermes does (hermes.ts).
import type { ToolCallShape } from "../../tool-call-shape.ts";
import type { ChatFamily } from "../../types.ts";

const SHAPE: ToolCallShape = {
  kind: "json",
  open: "<|tool_call|>",
  close: "",
  separator: "",
  list: true,
  nameKey: "name",
  argumentsKey: "arguments",
};

export const GRANITE: ChatFamily = {
  name: "granite",
  models: "Granite 3.0 to 3.3",
  detect: (template) => template.includes("<|start_of_role|>") && !template.includes("</tool_call>"),
  parser: "markers",
  calls: [{ where: "anywhere", shape: SHAPE, otherOpens: ["<tool_call>"] }],
  formatShape: SHAPE,
  triggers: [{ text: "<|tool_call|>" }],
  reasoning: [
    { open: "<think>", close: "</think>" },
    { open: "Here is my thought process:", close: "Here is my response:" },
    { open: "Here's my thought process:", close: "Here's my response:" },
  ],
  dropped: ["<response>", "</response>"],
  stopTexts: [],
  keepTokens: ["<|tool_call|>"],
};
