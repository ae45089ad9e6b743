// Command R and R+ (`Action:` and a fenced JSON list) and Command R7B and A (sections between control tokens).
import type { ToolCallShape } from "../../tool-call-shape.ts";
import type { ChatFamily } from "../../types.ts";

const FENCED: ToolCallShape = {
  kind: "json",
  open: "Action: ```json\n",
  close: "\n```",
  separator: "",
  list: true,
  nameKey: "tool_name",
  argumentsKey: "parameters",
};

const SECTION: ToolCallShape = {
  kind: "json",
  open: "<|START_ACTION|>",
  close: "<|END_ACTION|>",
  separator: "",
  list: true,
  nameKey: "tool_name",
  argumentsKey: "parameters",
  idKey: { key: "tool_call_id", position: "first", example: "0" },
};

const IGNORED = ["directly_answer", "directly-answer"];

export const COMMAND_R7B: ChatFamily = {
  name: "command-r7b",
  models: "Command R7B, Command A",
  detect: (template) => template.includes("<|START_ACTION|>"),
  parser: "markers",
  calls: [{ where: "anywhere", shape: SECTION }],
  formatShape: SECTION,
  triggers: [{ text: "<|START_ACTION|>" }],
  reasoning: [{ open: "<|START_THINKING|>", close: "<|END_THINKING|>" }],
  dropped: ["<|START_RESPONSE|>", "<|END_RESPONSE|>", "<|START_TEXT|>", "<|END_TEXT|>", "<|END_OF_TURN_TOKEN|>"],
  stopTexts: ["<|END_OF_TURN_TOKEN|>"],
  keepTokens: [
    "<|START_ACTION|>",
    "<|END_ACTION|>",
    "<|START_THINKING|>",
    "<|END_THINKING|>",
    "<|START_RESPONSE|>",
    "<|END_RESPONSE|>",
    "<|START_TEXT|>",
    "<|END_TEXT|>",
  ],
  textOpen: "<|START_RESPONSE|>",
  ignoredNames: IGNORED,
};

export const COMMAND_R: ChatFamily = {
  name: "command-r",
  models: "Command R, Command R+",
  detect: (template) => template.includes("<|CHATBOT_TOKEN|>"),
  parser: "markers",
  calls: [{ where: "anywhere", shape: FENCED, otherOpens: ["Action:\n```json\n", "Action:```json\n"] }],
  formatShape: FENCED,
  triggers: [{ text: "Action: ```json" }],
  reasoning: [],
  dropped: ["<|CHATBOT_TOKEN|>", "<|END_OF_TURN_TOKEN|>"],
  stopTexts: ["<|END_OF_TURN_TOKEN|>"],
  keepTokens: [],
  ignoredNames: IGNORED,
};
