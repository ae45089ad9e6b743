// gpt-oss: OpenAI's Harmony format. Every message has a channel: `analysis` is reasoning, `final` and `commentary` are text, a
// recipient `functions.name` makes a call. See openai/harmony's format description.
import type { ToolCallShape } from "../../tool-call-shape.ts";
import type { ChatFamily } from "../../types.ts";

const SHAPE: ToolCallShape = {
  kind: "named-json",
  open: "",
  beforeEach: "<|channel|>commentary to=functions.",
  beforeArguments: " <|constrain|>json<|message|>",
  afterEach: "<|call|>",
  separator: "<|start|>assistant",
  close: "",
};

export const HARMONY: ChatFamily = {
  name: "harmony",
  models: "gpt-oss",
  detect: (template) => template.includes("<|channel|>") && template.includes("<|message|>"),
  parser: "harmony",
  calls: [{ where: "anywhere", shape: SHAPE }],
  formatShape: SHAPE,
  lazyShape: { ...SHAPE, beforeEach: " to=functions." },
  triggers: [{ text: " to=functions." }],
  reasoning: [{ open: "<|channel|>analysis<|message|>", close: "<|end|>" }],
  dropped: [],
  stopTexts: ["<|return|>"],
  keepTokens: ["<|start|>", "<|end|>", "<|message|>", "<|channel|>", "<|constrain|>", "<|call|>", "<|return|>"],
  afterReasoning: "<|start|>assistant",
  channels: { open: "<|channel|>", others: ["final<|message|>", "commentary"] },
  textOpen: "<|channel|>final<|message|>",
  callsEndTurn: true,
};
