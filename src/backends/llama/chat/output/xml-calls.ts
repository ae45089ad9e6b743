// Reads calls whose parameters are in tags: strings raw, everything else as JSON. The tool's schema tells which a value is.
import type { ToolDefinition } from "../../../../domain/chat.ts";
import type { EventSink, OpenCall } from "./call-sink.ts";
import { matchOne, peek, readUntil, skipLiteral, skipSpace, type Reader, type StreamInput } from "./stream-input.ts";

const VALUE_ENDS = ["\n</parameter>", "</parameter>", "\n</function>", "</function>"];

/** Reads the calls of one `<tool_call>`. `opened`: `<function=` was consumed as the marker that led here. */
export function* readXmlCalls(
  input: StreamInput,
  sink: EventSink,
  { close, opened }: { readonly close: string; readonly opened: boolean },
): Reader<boolean> {
  if (!opened && !(yield* skipLiteral(input, "<function="))) return false;
  yield* skipSpace(input);
  const name = yield* matchOne(input, sink.toolNames);
  const tool = name === null ? undefined : sink.tool(name);
  if (name === null || tool === undefined) return false;
  input.take(name.length);
  if (!(yield* skipLiteral(input, ">"))) return false;
  const call = sink.open(name);
  call.add("{");
  let first = true;
  while (yield* skipLiteral(input, "<parameter=")) {
    const key = yield* readKey(input);
    call.add(`${first ? "" : ", "}${JSON.stringify(key)}: `);
    first = false;
    yield* readParameter(input, call, takesOnlyText(tool, key));
  }
  call.add("}");
  call.close();
  yield* skipLiteral(input, "</function>");
  yield* skipLiteral(input, close);
  return true;
}

function* readKey(input: StreamInput): Reader<string> {
  let key = "";
  yield* readUntil(input, [">"], {
    emit: (text) => {
      key += text;
    },
  });
  input.take(1);
  return key.trim();
}

function* readParameter(input: StreamInput, call: OpenCall, isText: boolean): Reader<void> {
  if ((yield* peek(input)) === "\n") input.take(1);
  const writer = new TextWriter(call);
  let whole = "";
  if (isText) call.add('"');
  const { marker } = yield* readUntil(input, VALUE_ENDS, {
    release: true,
    certainFrom: 1,
    emit: (text) => {
      if (isText) writer.write(text);
      else whole += text;
    },
  });
  if (isText) {
    writer.flush();
    // A string that is cut off by the end of the answer stays open, as arguments in JSON would.
    if (marker !== null) call.add('"');
  } else call.add(toJson(whole));
  yield* skipLiteral(input, "</parameter>");
}

/** Writes text into a JSON string, surrogate pairs unsplit. */
export class TextWriter {
  readonly #call: OpenCall;
  #pending = "";

  constructor(call: OpenCall) {
    this.#call = call;
  }

  write(text: string): void {
    const whole = this.#pending + text;
    const last = whole.charCodeAt(whole.length - 1);
    const keep = last >= 0xd800 && last <= 0xdbff ? 1 : 0;
    this.#pending = whole.slice(whole.length - keep);
    this.#call.add(JSON.stringify(whole.slice(0, whole.length - keep)).slice(1, -1));
  }

  flush(): void {
    this.#call.add(JSON.stringify(this.#pending).slice(1, -1));
    this.#pending = "";
  }
}

/** True when the schema allows strings only, so that the value can be emitted as it comes. */
export function takesOnlyText(tool: Pick<ToolDefinition, "parameters">, key: string): boolean {
  if (typeof tool.parameters !== "object") return false;
  const { properties } = tool.parameters;
  if (typeof properties !== "object" || properties === null) return false;
  const schema = (properties as Record<string, unknown>)[key];
  if (typeof schema !== "object" || schema === null) return false;
  const { type, enum: values } = schema as { type?: unknown; enum?: unknown };
  if (type === "string") return true;
  return type === undefined && Array.isArray(values) && values.every((value) => typeof value === "string");
}

/** A value of any other type: JSON and Python's constants as such, anything else as a string. */
function toJson(text: string): string {
  const trimmed = text.trim();
  const constant = { True: "true", False: "false", None: "null" }[trimmed];
  if (constant !== undefined) return constant;
  try {
    JSON.parse(trimmed);
    return trimmed;
  } catch {
    return JSON.stringify(text);
  }
}
