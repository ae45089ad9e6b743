// MiniCPM5: calls as XML elements, strings that hold markup or line breaks in CDATA.
import type { ToolCallShape } from "../../tool-call-shape.ts";
import type { ChatFamily } from "../../types.ts";

const SHAPE: ToolCallShape = {
  kind: "xml-parameters",
  open: "",
  close: "",
  separator: "\n",
  tags: {
    beforeName: '<function name="',
    afterName: '">',
    beforeKey: '<param name="',
    beforeValue: '">',
    afterValue: "</param>",
    afterParameters: "</function>",
    literal: { open: "<![CDATA[", close: "]]>" },
  },
};

export const MINICPM5: ChatFamily = {
  name: "minicpm5",
  models: "MiniCPM5",
  detect: (template) => template.includes('<function name="') && template.includes('<param name="'),
  parser: "markers",
  calls: [{ where: "anywhere", shape: SHAPE }],
  formatShape: SHAPE,
  triggers: [{ text: '<function name="' }],
  reasoning: [{ open: "<think>", close: "</think>" }],
  dropped: [],
  stopTexts: [],
  keepTokens: ["<function", "</function>", "<param", "</param>", "<think>", "</think>"],
};
