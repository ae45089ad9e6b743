// Hermes 2 and 3, Qwen 2.5, QwQ, Qwen 3, Granite 4, SmolLM 3 and the many models trained on the same form: JSON in `<tool_call>`.
import type { ChatFamily } from "../types.ts";

export const HERMES: ChatFamily = {
  name: "hermes",
  models: "Hermes 2/3, Qwen 2.5, QwQ, Qwen 3, Granite 4, MiMo",
  detect: (template) =>
    template.includes("<tool_call>") && !template.includes("<function=") && !template.includes("<arg_key>"),
  parser: "markers",
  calls: [
    {
      where: "anywhere",
      shape: {
        kind: "json",
        open: "<tool_call>\n",
        close: "\n</tool_call>",
        separator: "\n",
        list: false,
        nameKey: "name",
        argumentsKey: "arguments",
      },
    },
  ],
  formatShape: {
    kind: "json",
    open: "<tool_call>\n",
    close: "\n</tool_call>",
    separator: "\n",
    list: false,
    nameKey: "name",
    argumentsKey: "arguments",
  },
  triggers: [{ text: "<tool_call>" }],
  reasoning: [{ open: "<think>", close: "</think>" }],
  dropped: [],
  stopTexts: [],
  keepTokens: ["<tool_call>", "</tool_call>", "<think>", "</think>"],
};
