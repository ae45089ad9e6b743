// Functionary v3.1 (`<function=name>{…}</function>`) and v3.2 (a recipient on its own line before every part of the answer).
import type { ToolCallShape } from "../../tool-call-shape.ts";
import type { ChatFamily } from "../../types.ts";

const TAGGED: ToolCallShape = {
  kind: "named-json",
  open: "",
  beforeEach: "<function=",
  beforeArguments: ">",
  afterEach: "</function>",
  separator: "",
  close: "",
};

/** Calls from behind the `>>>` with which the prompt ends. */
const RECIPIENT: ToolCallShape = {
  kind: "named-json",
  open: "",
  beforeEach: "",
  beforeArguments: "\n",
  afterEach: "",
  separator: ">>>",
  close: "",
};

export const FUNCTIONARY_V31: ChatFamily = {
  name: "functionary-v3.1",
  models: "Functionary v3.1",
  detect: (template) =>
    template.includes("<function=") && !template.includes("<parameter=") && !template.includes("<tool_call>"),
  parser: "markers",
  calls: [{ where: "anywhere", shape: TAGGED }],
  formatShape: TAGGED,
  triggers: [{ text: "<function=" }],
  reasoning: [],
  dropped: [],
  stopTexts: [],
  keepTokens: [],
};

export const FUNCTIONARY_V32: ChatFamily = {
  name: "functionary-v3.2",
  models: "Functionary v3.2",
  detect: (template) => template.includes(">>>${recipient}") || template.includes("'>>>all"),
  parser: "recipient",
  calls: [{ where: "anywhere", shape: RECIPIENT }],
  formatShape: RECIPIENT,
  lazyShape: { ...RECIPIENT, beforeEach: ">>>", separator: "" },
  triggers: [{ text: ">>>{name}\n" }, { text: "{name}\n", atStart: true, assumed: ">>>" }],
  reasoning: [],
  dropped: [],
  stopTexts: [],
  keepTokens: [],
  textOpen: "all\n",
  opensTextInPrompt: true,
};
