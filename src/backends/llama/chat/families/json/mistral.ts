// Mistral, Ministral, Magistral, Devstral. `[TOOL_CALLS]` and then a JSON list (up to Nemo and Large 2) or, since Small 3.2,
// `name[ARGS]{…}` for each call. Magistral reasons in `[THINK]`.
import type { ToolCallShape } from "../../tool-call-shape.ts";
import type { ChatFamily } from "../../types.ts";

const LIST: ToolCallShape = {
  kind: "json",
  open: "[TOOL_CALLS]",
  close: "",
  separator: "",
  list: true,
  nameKey: "name",
  argumentsKey: "arguments",
  idKey: { key: "id", position: "last", example: "call00000" },
};

const NAMED: ToolCallShape = {
  kind: "named-json",
  open: "",
  beforeEach: "[TOOL_CALLS]",
  beforeArguments: "[ARGS]",
  afterEach: "",
  separator: "",
  close: "",
  idMarker: "[CALL_ID]",
};

const COMMON = {
  parser: "markers",
  triggers: [{ text: "[TOOL_CALLS]" }],
  reasoning: [
    { open: "[THINK]", close: "[/THINK]" },
    { open: "<think>", close: "</think>" },
  ],
  dropped: [],
  stopTexts: [],
  keepTokens: ["[TOOL_CALLS]", "[ARGS]", "[CALL_ID]", "[THINK]", "[/THINK]"],
} as const;

export const MISTRAL_NAMED: ChatFamily = {
  ...COMMON,
  name: "mistral-v11",
  models: "Mistral Small 3.2, Devstral, Magistral, Ministral 3",
  detect: (template) => template.includes("[TOOL_CALLS]") && template.includes("[ARGS]"),
  calls: [
    { where: "anywhere", shape: NAMED },
    { where: "anywhere", shape: LIST },
  ],
  formatShape: NAMED,
};

export const MISTRAL: ChatFamily = {
  ...COMMON,
  name: "mistral",
  models: "Mistral 7B v0.3, Nemo, Large 2, Small 3.1",
  detect: (template) =>
    template.includes("[TOOL_CALLS]") || (template.includes("[INST]") && template.includes("[/INST]")),
  calls: [
    { where: "anywhere", shape: LIST },
    { where: "anywhere", shape: NAMED },
  ],
  formatShape: LIST,
};
