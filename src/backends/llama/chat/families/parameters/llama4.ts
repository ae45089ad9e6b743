// Llama 4, and Llama 3.2 under templates that ask for it: Python calls in a list, between `<|python_start|>` and `<|python_end|>`
// or bare.
import type { ChatFamily } from "../../types.ts";

export const LLAMA4: ChatFamily = {
  name: "llama4",
  models: "Llama 4, Llama 3.2 with a pythonic template",
  detect: (template) =>
    template.includes("<|python_start|>") ||
    (template.includes("<|header_start|>") && template.includes("<|header_end|>")) ||
    template.includes("[func_name1(params_name1=params_value1"),
  parser: "markers",
  calls: [
    { where: "anywhere", shape: { kind: "pythonic", open: "<|python_start|>", close: "<|python_end|>" } },
    { where: "at-start", shape: { kind: "pythonic", open: "", close: "" } },
    {
      where: "at-start",
      shape: {
        kind: "json",
        open: "",
        close: "",
        separator: "; ",
        list: false,
        nameKey: "name",
        argumentsKey: "parameters",
      },
    },
  ],
  formatShape: { kind: "pythonic", open: "", close: "" },
  triggers: [{ text: "[{name}(", atStart: true }],
  reasoning: [],
  dropped: ["<|python_start|>", "<|python_end|>"],
  stopTexts: [],
  keepTokens: ["<|python_start|>", "<|python_end|>"],
};
