// Llama 3.1, 3.2 and 3.3: a bare JSON object as the whole answer, or built-in tools after `<|python_tag|>`. The smaller models
// also write Python calls in a list, as their model card shows.
import type { ToolCallShape } from "../../tool-call-shape.ts";
import type { ChatFamily } from "../../types.ts";

const SHAPE: ToolCallShape = {
  kind: "json",
  open: "",
  close: "",
  separator: "; ",
  list: false,
  nameKey: "name",
  argumentsKey: "parameters",
};

export const LLAMA3: ChatFamily = {
  name: "llama3",
  models: "Llama 3.1, 3.2, 3.3",
  detect: (template) =>
    template.includes("<|start_header_id|>ipython<|end_header_id|>") ||
    (template.includes("<|start_header_id|>") && template.includes("Environment: ipython")),
  parser: "markers",
  calls: [
    { where: "at-start", shape: SHAPE },
    { where: "anywhere", shape: { ...SHAPE, open: "<|python_tag|>" } },
    { where: "anywhere", shape: { kind: "pythonic", open: "<|python_tag|>", close: "" } },
    { where: "at-start", shape: { kind: "pythonic", open: "", close: "" } },
  ],
  formatShape: SHAPE,
  triggers: [{ text: '{"name": "', atStart: true }],
  reasoning: [{ open: "<think>", close: "</think>" }],
  dropped: [],
  stopTexts: [],
  keepTokens: ["<|python_tag|>"],
};
