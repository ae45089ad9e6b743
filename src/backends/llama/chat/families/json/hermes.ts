// Hermes 2 and 3, Qwen 2.5, QwQ, Qwen 3, Granite 4, SmolLM 3 and many others: calls as JSON in `<tool_call>`.
import type { ChatFamily } from "../../types.ts";

export const HERMES: ChatFamily = {
  name: "hermes",
  models: "Hermes 2/3, Qwen 2.5, QwQ, Qwen 3, Granite 4, MiMo",
  // Others put tags (`<arg_key>`, `<invoke name=`) or a list in `<tool_calls>` where these models write an object.
  detect: (template) =>
    template.includes("<tool_call>") && !/<function=|<arg_key>|<invoke\b|<tool_calls>\[/.test(template),
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
