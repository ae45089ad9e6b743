// Reads calls whose parameters are in tags: strings raw, everything else as JSON. The tool's schema tells which a value is.
import type { ToolDefinition } from "../../../../domain/chat.ts";
import { isRecord } from "../../../../util/is-record.ts";
import { withoutSigns } from "../../tokens/markup-tokens.ts";
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
    yield* readParameter(input, call, { isText: takesOnlyText(tool, key), listed: listedTexts(tool, key) });
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
  return withoutSigns(key.trim());
}

interface Value {
  readonly isText: boolean;
  /** The only texts that it may be; empty where it may be any. */
  readonly listed: readonly string[];
}

function* readParameter(input: StreamInput, call: OpenCall, { isText, listed }: Value): Reader<void> {
  if ((yield* peek(input)) === "\n") input.take(1);
  const writer = new TextWriter(call);
  let whole = "";
  if (isText) call.add('"');
  const emit = (text: string): void => {
    if (isText) writer.write(text);
    else whole += withoutSigns(text);
  };
  // A listed value, and a string inside of JSON, may contain what ends a value elsewhere.
  const known = isText ? yield* matchListed(input, listed) : null;
  if (known !== null) emit(input.take(known.length));
  let marker: string | null;
  do {
    ({ marker } = yield* readUntil(input, VALUE_ENDS, { release: true, certainFrom: 1, emit }));
    if (!isText && marker !== null && endsInString(whole)) emit(input.take(marker.length));
    else break;
  } while (marker !== null);
  if (isText) {
    writer.flush();
    // A string that is cut off by the end of the answer stays open, as arguments in JSON would.
    if (marker !== null) call.add('"');
  } else call.add(toJson(whole));
  yield* skipLiteral(input, "</parameter>");
}

/** The listed text that stands here, where it contains what ends a value. */
function* matchListed(input: StreamInput, listed: readonly string[]): Reader<string | null> {
  const marked = listed.filter((text) => VALUE_ENDS.some((end) => text.includes(end)));
  if (marked.length === 0) return null;
  const [end = ""] = VALUE_ENDS;
  const found = yield* matchOne(
    input,
    marked.map((text) => text + end),
  );
  return found === null ? null : found.slice(0, -end.length);
}

/** True where JSON breaks off inside of a string. Other text, which a model may write in place of JSON, has no strings. */
function endsInString(text: string): boolean {
  if (!/^\s*["[{]/.test(text)) return false;
  return text.replaceAll(/\\./gs, "").split('"').length % 2 === 0;
}

/** Writes text into a JSON string, surrogate pairs unsplit. */
export class TextWriter {
  readonly #call: OpenCall;
  #pending = "";

  constructor(call: OpenCall) {
    this.#call = call;
  }

  write(text: string): void {
    const whole = this.#pending + withoutSigns(text);
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
  const { type, enum: values } = parameterSchema(tool, key) ?? {};
  if (type === "string") return true;
  return type === undefined && Array.isArray(values) && values.every((value) => typeof value === "string");
}

/** The texts of `enum` or `const`. */
function listedTexts(tool: Pick<ToolDefinition, "parameters">, key: string): readonly string[] {
  const schema = parameterSchema(tool, key);
  const values = schema?.["enum"] ?? [schema?.["const"]];
  return Array.isArray(values) ? values.filter((value): value is string => typeof value === "string") : [];
}

function parameterSchema(
  { parameters }: Pick<ToolDefinition, "parameters">,
  key: string,
): Record<string, unknown> | undefined {
  const { properties } = isRecord(parameters) ? parameters : {};
  const schema = isRecord(properties) && Object.hasOwn(properties, key) ? properties[key] : undefined;
  return isRecord(schema) ? schema : undefined;
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
