// Reads calls whose parameters are in tags: strings raw, everything else as JSON. The tool's schema tells which a value is.
import type { ToolDefinition } from "../../../../domain/chat.ts";
import { isRecord } from "../../../../util/is-record.ts";
import { withoutSigns } from "../../tokens/markup-tokens.ts";
import type { ParameterTags, ToolCallShape } from "../tool-call-shape.ts";
import type { EventSink, OpenCall } from "./call-sink.ts";
import { pythonToJson } from "./values/python-literal.ts";
import { matchOne, peek, readUntil, skipLiteral, skipSpace, type Reader, type StreamInput } from "./stream-input.ts";
import { TextWriter } from "./values/text-writer.ts";

type XmlShape = ToolCallShape & { readonly kind: "xml-parameters" };

/** Reads one call. `opened`: what stands before the name was consumed as the marker that led here. */
export function* readXmlCalls(
  input: StreamInput,
  sink: EventSink,
  { shape: { tags, close }, opened }: { readonly shape: XmlShape; readonly opened: boolean },
): Reader<boolean> {
  if (!opened && !(yield* skipLiteral(input, tags.beforeName))) return false;
  yield* skipSpace(input);
  const name = yield* matchOne(input, sink.toolNames);
  const tool = name === null ? undefined : sink.tool(name);
  if (name === null || tool === undefined) return false;
  input.take(name.length);
  if (!(yield* skipLiteral(input, tags.afterName))) return false;
  const call = sink.open(name);
  call.add("{");
  let first = true;
  while (yield* skipLiteral(input, tags.beforeKey)) {
    const key = yield* readKey(input, tags.beforeValue.trimEnd());
    call.add(`${first ? "" : ", "}${JSON.stringify(key)}: `);
    first = false;
    yield* readParameter(input, call, { tags, isText: takesOnlyText(tool, key), listed: listedTexts(tool, key) });
  }
  call.add("}");
  call.close();
  yield* skipLiteral(input, tags.afterParameters);
  yield* skipLiteral(input, close);
  return true;
}

function* readKey(input: StreamInput, end: string): Reader<string> {
  let key = "";
  yield* readUntil(input, [end], {
    emit: (text) => {
      key += text;
    },
  });
  input.take(end.length);
  return withoutSigns(key.trim());
}

interface Value {
  readonly tags: ParameterTags;
  readonly isText: boolean;
  /** The only texts that it may be; empty where it may be any. */
  readonly listed: readonly string[];
}

function* readParameter(input: StreamInput, call: OpenCall, { tags, isText, listed }: Value): Reader<void> {
  if ((yield* peek(input)) === "\n" && tags.beforeValue.endsWith("\n")) input.take(1);
  const writer = new TextWriter(call);
  let whole = "";
  if (isText) call.add('"');
  const emit = (text: string): void => {
    if (isText) writer.write(text);
    else whole += withoutSigns(text);
  };
  const marker = yield* readValueText(input, { tags, isText, listed, emit, soFar: () => whole });
  if (isText) {
    writer.flush();
    // A string that is cut off by the end of the answer stays open, as arguments in JSON would.
    if (marker !== null) call.add('"');
  } else call.add(toJson(whole));
  yield* skipLiteral(input, tags.afterValue);
}

/** Hands out the text of a value up to its end, which is returned; `null` where the text ends first. */
function* readValueText(
  input: StreamInput,
  {
    tags,
    isText,
    listed,
    emit,
    soFar,
  }: Value & { readonly emit: (text: string) => void; readonly soFar: () => string },
): Reader<string | null> {
  const options = { release: true, certainFrom: 1, emit };
  const { literal } = tags;
  if (literal !== undefined && (yield* matchOne(input, [literal.open])) !== null) {
    input.take(literal.open.length);
    const { marker } = yield* readUntil(input, [literal.close], options);
    input.take(literal.close.length);
    return marker;
  }
  const ends = valueEnds(tags);
  // A listed value, and a string inside of JSON, may contain what ends a value elsewhere.
  const known = isText ? yield* matchListed(input, listed, ends) : null;
  if (known !== null) emit(input.take(known.length));
  for (;;) {
    const { marker } = yield* readUntil(input, ends, options);
    if (isText || marker === null || !endsInString(soFar())) return marker;
    emit(input.take(marker.length));
  }
}

/** What ends a value; the first of these is what the family writes. */
function valueEnds({ afterValue, afterParameters }: ParameterTags): readonly string[] {
  return [...new Set([afterValue.trimEnd(), afterValue.trim(), `\n${afterParameters}`, afterParameters])];
}

/** The listed text that stands here, where it contains what ends a value. */
function* matchListed(input: StreamInput, listed: readonly string[], ends: readonly string[]): Reader<string | null> {
  const marked = listed.filter((text) => ends.some((end) => text.includes(end)));
  if (marked.length === 0) return null;
  const [end = ""] = ends;
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

/** A value of any other type: JSON as such, Python's constants, lists and dicts as JSON has them, anything else as a string. */
function toJson(text: string): string {
  const trimmed = text.trim();
  try {
    JSON.parse(trimmed);
    return trimmed;
  } catch {
    return /^(?:[[{(]|(?:True|False|None)$)/.test(trimmed) ? pythonToJson(text) : JSON.stringify(text);
  }
}
