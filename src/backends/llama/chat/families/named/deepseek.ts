// DeepSeek R1 and V3 (a fenced block after the name) and V3.1 (the arguments right after it). Both reason in `<think>`.
import type { ToolCallShape } from "../../tool-call-shape.ts";
import type { CallSyntax, ChatFamily } from "../../types.ts";

const FENCED: ToolCallShape = {
  kind: "named-json",
  open: "<｜tool▁calls▁begin｜>",
  beforeEach: "<｜tool▁call▁begin｜>function<｜tool▁sep｜>",
  beforeArguments: "\n```json\n",
  afterEach: "\n```<｜tool▁call▁end｜>",
  separator: "\n",
  close: "<｜tool▁calls▁end｜>",
};

const BARE: ToolCallShape = {
  kind: "named-json",
  open: "<｜tool▁calls▁begin｜>",
  beforeEach: "<｜tool▁call▁begin｜>",
  beforeArguments: "<｜tool▁sep｜>",
  afterEach: "<｜tool▁call▁end｜>",
  separator: "",
  close: "<｜tool▁calls▁end｜>",
};

// The distilled models spell the opening with ordinary characters at times.
const OTHER_OPENS = [
  "<｜tool_calls_begin｜>",
  "<｜tool calls begin｜>",
  "<｜tool\\_calls\\_begin｜>",
  "<｜tool▁calls｜>",
];

const READ_FENCED: CallSyntax = { where: "anywhere", shape: FENCED, otherOpens: OTHER_OPENS };
const READ_BARE: CallSyntax = { where: "anywhere", shape: BARE, otherOpens: OTHER_OPENS };

const COMMON = {
  parser: "markers",
  calls: [READ_FENCED, READ_BARE],
  triggers: [{ text: "<｜tool▁calls▁begin｜>" }],
  reasoning: [{ open: "<think>", close: "</think>" }],
  dropped: [],
  stopTexts: [],
  keepTokens: [
    "<｜tool▁calls▁begin｜>",
    "<｜tool▁calls▁end｜>",
    "<｜tool▁call▁begin｜>",
    "<｜tool▁call▁end｜>",
    "<｜tool▁sep｜>",
    "<think>",
    "</think>",
  ],
} as const;

/** False for V3.2 and later, whose calls are tags of parameters, marked `｜DSML｜`, although the roles are the same. */
const isDeepseek = (template: string): boolean =>
  !template.includes("｜DSML｜") &&
  (template.includes("<｜tool▁calls▁begin｜>") || template.includes("<｜Assistant｜>"));

export const DEEPSEEK_V31: ChatFamily = {
  ...COMMON,
  name: "deepseek-v3.1",
  models: "DeepSeek V3.1",
  detect: (template) => isDeepseek(template) && template.includes("<｜tool▁sep｜>") && !template.includes("```json"),
  formatShape: BARE,
};

export const DEEPSEEK: ChatFamily = {
  ...COMMON,
  name: "deepseek",
  models: "DeepSeek R1, R1 Distill, V3",
  detect: isDeepseek,
  formatShape: FENCED,
};
