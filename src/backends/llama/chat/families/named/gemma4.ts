// Gemma 4: `call:name{key:value}` between control tokens. The arguments are no JSON: names stand bare, and strings between tokens of
// their own. See ai.google.dev/gemma/docs/core/prompt-formatting-gemma4.
import type { ToolCallShape } from "../../tool-call-shape.ts";
import type { ChatFamily } from "../../types.ts";

const SHAPE: ToolCallShape = {
  kind: "named-json",
  open: "",
  beforeEach: "<|tool_call>call:",
  beforeArguments: "",
  afterEach: "<tool_call|>",
  separator: "",
  close: "",
  quote: '<|"|>',
};

export const GEMMA4: ChatFamily = {
  name: "gemma4",
  models: "Gemma 4",
  detect: (template) => template.includes("<|tool_call>call:"),
  parser: "markers",
  calls: [{ where: "anywhere", shape: SHAPE }],
  formatShape: SHAPE,
  triggers: [{ text: "<|tool_call>" }],
  reasoning: [{ open: "<|channel>thought", close: "<channel|>" }],
  // The model closes a text with an empty thought at times.
  dropped: ["<|channel>thought\n<channel|>", "<|channel>thought<channel|>", "<channel|>"],
  // The server's turn begins behind a call.
  stopTexts: ["<|tool_response>"],
  keepTokens: ["<|tool_call>", "<tool_call|>", '<|"|>', "<|channel>", "<channel|>", "<|tool_response>"],
  sameTurn: { written: "<turn|>\n<|tool_call>", meant: "<|tool_call>" },
};
