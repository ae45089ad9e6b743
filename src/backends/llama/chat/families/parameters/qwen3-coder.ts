// Qwen3-Coder, Qwen 3.5, Nemotron 3 Nano, Step 3.5: calls as XML-like parameters, strings raw and the rest as JSON.
import type { ToolCallShape } from "../../tool-call-shape.ts";
import type { ChatFamily } from "../../types.ts";

const SHAPE: ToolCallShape = {
  kind: "xml-parameters",
  open: "<tool_call>\n",
  close: "\n</tool_call>",
  separator: "\n",
  tags: {
    beforeName: "<function=",
    afterName: ">\n",
    beforeKey: "<parameter=",
    beforeValue: ">\n",
    afterValue: "\n</parameter>\n",
    afterParameters: "</function>",
  },
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
