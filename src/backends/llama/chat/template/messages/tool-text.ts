// Writes tools, calls and results as text, for templates that do not show them. Calls have the family's own format, which its parser
// and its grammar expect.
import type { ToolCall, ToolDefinition } from "../../../../../domain/chat.ts";
import { parseJsonForTemplate } from "../../../../../jinja/values/from-json.ts";
import { floatText } from "../../../../../jinja/values/numbers.ts";
import { Float } from "../../../../../jinja/values/value.ts";
import { entriesOf, inWrittenOrder, orderedJson, readInWrittenOrder } from "../../../../../util/ordered-json.ts";
import type { CallerMarks } from "../caller-text.ts";
import type { ParameterTags, ToolCallShape } from "../../tool-call-shape.ts";

/** `marks` are put around callers' strings, and not around the family's markup. */
export interface ToolTextOptions {
  readonly shape: ToolCallShape;
  readonly marks: Pick<CallerMarks, "text" | "deep">;
}

/** The text that describes the tools and the format of calls to the model. */
export function describeTools(tools: readonly ToolDefinition[], options: ToolTextOptions): string {
  const definitions = tools.map(({ name, description, parameters, order }) =>
    orderedJson(
      options.marks.deep({
        type: "function",
        function: {
          name,
          ...(description === undefined ? {} : { description }),
          parameters: inWrittenOrder(parameters, order),
        },
      }),
    ),
  );
  const example = formatCalls([{ id: "", name: "function_name", arguments: '{"parameter": "value"}' }], options);
  return [
    "You can call functions. These are the functions, each with a JSON schema of its arguments:",
    "<tools>",
    ...definitions,
    "</tools>",
    "To call a function, answer with nothing but the call, with the function's name and its arguments as JSON, in this form:",
    example,
    "The result is given to you in the next message. Answer in plain text when no function is needed.",
  ].join("\n");
}

/** Calls in the family's format. `firstNumber`: how many calls of the conversation came before. */
export function formatCalls(
  calls: readonly ToolCall[],
  { shape, marks, firstNumber = 0 }: ToolTextOptions & { readonly firstNumber?: number },
): string {
  const argumentsOf = (call: ToolCall): string => (call.arguments.trim() === "" ? "{}" : marks.text(call.arguments));
  switch (shape.kind) {
    case "json": {
      const bodies = calls.map(
        (call) =>
          `{"${shape.nameKey}": ${JSON.stringify(marks.text(call.name))}, "${shape.argumentsKey}": ${argumentsOf(call)}}`,
      );
      if (shape.list) return `${shape.open}[${bodies.join(", ")}]${shape.close}`;
      return bodies.map((body) => `${shape.open}${body}${shape.close}`).join(shape.separator);
    }
    case "named-json": {
      const bodies = calls.map((call, index) => {
        const number = shape.beforeNumber === undefined ? "" : `${shape.beforeNumber}${firstNumber + index}`;
        const name = `${shape.beforeEach}${marks.text(call.name)}${number}`;
        const { quote } = shape;
        const written = quote === undefined ? argumentsOf(call) : bareValue(parseArguments(call), { quote, marks });
        return `${name}${shape.beforeArguments}${written}${shape.afterEach}`;
      });
      return `${shape.open}${bodies.join(shape.separator)}${shape.close}`;
    }
    case "xml-parameters":
      return calls
        .map((call) => `${shape.open}${xmlCall(call, { tags: shape.tags, marks })}${shape.close}`)
        .join(shape.separator);
    case "pythonic":
      return `${shape.open}[${calls.map((call) => pythonCall(call, marks)).join(", ")}]${shape.close}`;
  }
}

/** A result, for templates without a role for it. */
export function formatResult(result: string): string {
  return `<tool_response>\n${result}\n</tool_response>`;
}

function xmlCall(
  call: ToolCall,
  { tags, marks }: { readonly tags: ParameterTags; readonly marks: ToolTextOptions["marks"] },
): string {
  const parameters = entriesOf(parseArguments(call, marks)).map(([key, value]) => {
    const text = typeof value === "string" ? withLiteral(value, tags) : jsonText(value);
    return `${tags.beforeKey}${key}${tags.beforeValue}${text}${tags.afterValue}`;
  });
  return `${tags.beforeName}${marks.text(call.name)}${tags.afterName}${parameters.join("")}${tags.afterParameters}`;
}

function withLiteral(text: string, { literal }: ParameterTags): string {
  return literal !== undefined && /[<&\n]/.test(text) ? `${literal.open}${text}${literal.close}` : text;
}

function pythonCall(call: ToolCall, marks: ToolTextOptions["marks"]): string {
  const parameters = entriesOf(parseArguments(call, marks)).map(([key, value]) => `${key}=${pythonLiteral(value)}`);
  return `${marks.text(call.name)}(${parameters.join(", ")})`;
}

function pythonLiteral(value: unknown): string {
  if (value instanceof Float) return jsonText(value);
  if (value === null) return "None";
  if (value === true) return "True";
  if (value === false) return "False";
  if (Array.isArray(value)) return `[${value.map(pythonLiteral).join(", ")}]`;
  if (typeof value === "object") {
    return `{${entriesOf(value)
      .map(([key, entry]) => `${JSON.stringify(key)}: ${pythonLiteral(entry)}`)
      .join(", ")}}`;
  }
  return jsonText(value);
}

interface Bare {
  readonly quote: string;
  readonly marks: ToolTextOptions["marks"];
}

function bareValue(value: unknown, bare: Bare): string {
  const { quote, marks } = bare;
  if (typeof value === "string") return `${quote}${marks.text(value)}${quote}`;
  if (typeof value !== "object" || value === null || value instanceof Float) return jsonText(value);
  if (Array.isArray(value)) return `[${value.map((item) => bareValue(item, bare)).join(",")}]`;
  const members = entriesOf(value).map(([key, item]) => {
    // Other names could be taken for markup.
    const name = /^[\w.$-]+$/.test(key) ? marks.text(key) : bareValue(key, bare);
    return `${name}:${bareValue(item, bare)}`;
  });
  return `{${members.join(",")}}`;
}

/** Numbers as they were written. */
function jsonText(value: unknown): string {
  return orderedJson(value, { other: (inner) => (inner instanceof Float ? floatText(inner.value) : undefined) });
}

function parseArguments(call: ToolCall, marks?: ToolTextOptions["marks"]): object {
  try {
    const parsed = readInWrittenOrder(call.arguments, parseJsonForTemplate);
    const value = marks === undefined ? parsed : marks.deep(parsed);
    return typeof value === "object" && value !== null && !Array.isArray(value) ? value : {};
  } catch {
    return {};
  }
}
