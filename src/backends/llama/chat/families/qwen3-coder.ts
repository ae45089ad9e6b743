// Qwen3-Coder, Qwen 3.5, Nemotron 3 Nano, Step 3.5: calls as XML-like parameters, strings raw and the rest as JSON.
import type { ChatFamily, ToolCallShape } from "../types.ts";

const SHAPE: ToolCallShape = {
  kind: "xml-parameters",
  open: "<tool_call>\n",
  close: "\n</tool_call>",
  separator: "\n",
};

export const QWEN3_CODER: ChatFamily = {
  name: "qwen3-coder",
  models: "Qwen3-Coder, Qwen 3.5, Nemotron 3 Nano, Step 3.5",
  detect: (template) =>
    template.includes("<tool_call>") && template.includes("<function=") && template.includes("<parameter="),
  parser: "markers",
  // The models leave out the outer tag at times.
  calls: [{ where: "anywhere", shape: SHAPE, otherOpens: ["<function="] }],
  formatShape: SHAPE,
  triggers: [{ text: "<tool_call>" }],
  reasoning: [{ open: "<think>", close: "</think>" }],
  dropped: [],
  stopTexts: [],
  keepTokens: ["<tool_call>", "</tool_call>", "<think>", "</think>"],
};
