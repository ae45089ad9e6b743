// Constraints for tests of constrained answers: what a request may ask for, and how to tell whether an answer is what was asked for, or
// its beginning.
import { Ajv2020 } from "ajv/dist/2020.js";
import type { ChatRequest, ToolDefinition } from "../../src/domain/chat.ts";
import type { CollectedChoice } from "./llama.ts";

const city = { enum: ["Paris", "Oslo"] };
const lookup: ToolDefinition = {
  name: "lookup",
  parameters: { type: "object", properties: { city }, required: ["city"], additionalProperties: false },
  strict: true,
};
const count: ToolDefinition = {
  name: "count",
  parameters: {
    type: "object",
    properties: { days: { type: "integer", minimum: 1, maximum: 9 } },
    required: ["days"],
    additionalProperties: false,
  },
  strict: true,
};
const tools = [lookup, count];
const schema = {
  type: "object",
  properties: { city, list: { type: "array", items: { type: "boolean" }, maxItems: 3 } },
  required: ["city", "list"],
  additionalProperties: false,
};
const constraint = { type: "json-schema", name: "x", schema, strict: true } as const;

/** A constraint, and what an answer under it has to be. */
export interface ConstraintKind {
  readonly request: Partial<ChatRequest>;
  readonly isMet: (choice: CollectedChoice) => boolean;
  /** True for what a limit may leave of such an answer. */
  readonly isBegun: (choice: CollectedChoice) => boolean;
}

const isJsonBegun = ({ text }: CollectedChoice): boolean => text === "" || text.startsWith("{");
const isCallBegun = ({ text }: CollectedChoice): boolean => text === "";

export const constraintKinds: Readonly<Record<string, ConstraintKind>> = {
  "a required call": {
    request: { tools, toolChoice: { type: "required" } },
    isMet: ({ calls, text }) => calls.length > 0 && calls.every(isValidCall) && text === "",
    isBegun: isCallBegun,
  },
  "a named call": {
    request: { tools, toolChoice: { type: "named", name: "count" } },
    isMet: ({ calls, text }) =>
      calls.length === 1 && calls[0]!.name === "count" && calls.every(isValidCall) && text === "",
    isBegun: isCallBegun,
  },
  "a schema": {
    request: { constraint },
    isMet: ({ text, calls }) => calls.length === 0 && isValid(schema, text),
    isBegun: (choice) => choice.calls.length === 0 && isJsonBegun(choice),
  },
  "a schema beside tools": {
    request: { constraint, tools },
    isMet: ({ text, calls }) => (calls.length > 0 ? calls.every(isValidCall) && text === "" : isValid(schema, text)),
    isBegun: isJsonBegun,
  },
  "a JSON object": {
    request: { constraint: { type: "json-object" } },
    isMet: ({ text }) => text.startsWith("{") && isValid({ type: "object" }, text),
    isBegun: isJsonBegun,
  },
  "a grammar": {
    request: { constraint: { type: "grammar", grammar: 'root ::= ("yes" | "no") " " [a-z ]{4,8} "!"' } },
    isMet: ({ text }) => /^(yes|no) [a-z ]{4,8}!$/.test(text),
    isBegun: ({ text }) => /^(|y|ye|n|(yes|no)( [a-z ]{0,8})?!?)$/.test(text),
  },
};

const ajv = new Ajv2020({ strict: false });

function isValid(wanted: object | boolean, text: string): boolean {
  try {
    return ajv.validate(wanted, JSON.parse(text));
  } catch {
    return false;
  }
}

function isValidCall(call: CollectedChoice["calls"][number]): boolean {
  const tool = tools.find(({ name }) => name === call.name);
  return tool !== undefined && isValid(tool.parameters, call.arguments);
}
