// Reads calls that are JSON objects: `{"name": …, "arguments": {…}}`, one or a list of them, with the keys in any order.
import type { ToolCallShape } from "../tool-call-shape.ts";
import type { EventSink, OpenCall } from "./call-sink.ts";
import { decodeString, readText, readValue } from "./values/json-reader.ts";
import { peek, skipLiteral, skipSpace, type Reader, type StreamInput } from "./stream-input.ts";

// Keys that models also write in place of those they were trained on.
const NAME_KEYS = ["name", "tool_name", "function_name"];
const ARGUMENT_KEYS = ["arguments", "parameters", "args"];
const OTHER_KEYS = ["type", "id", "function", "index", "tool_call_id"];

type JsonShape = ToolCallShape & { readonly kind: "json" };

/** Reads the calls after `open`. False when there is none; then nothing was emitted, and the caller has to seek back. */
export function* readJsonCalls(input: StreamInput, sink: EventSink, shape: JsonShape): Reader<boolean> {
  yield* skipSpace(input);
  const isList = (yield* peek(input)) === "[";
  const found = isList ? yield* readList(input, sink, shape) : yield* readJsonCall(input, sink, shape);
  if (!found) return false;
  if (shape.close !== "") yield* skipLiteral(input, shape.close);
  const separator = shape.separator.trim();
  if (!isList && separator !== "") yield* readFurtherCalls(input, sink, { shape, separator });
  return true;
}

function* readFurtherCalls(
  input: StreamInput,
  sink: EventSink,
  { shape, separator }: { readonly shape: JsonShape; readonly separator: string },
): Reader<void> {
  while (!sink.full) {
    const place = input.position;
    if ((yield* skipLiteral(input, separator)) && (yield* readJsonCall(input, sink, shape))) continue;
    input.seek(place);
    return;
  }
}

function* readList(input: StreamInput, sink: EventSink, shape: JsonShape): Reader<boolean> {
  input.take(1);
  let any = false;
  for (;;) {
    yield* skipSpace(input);
    const place = input.position;
    if (yield* readJsonCall(input, sink, shape)) any = true;
    else {
      input.seek(place);
      if (!any || input.isCut || (yield* peek(input)) !== "{") break;
      // An object with an unknown name among calls is text.
      yield* readValue(input, { emit: (piece) => sink.text(piece) });
    }
    if (sink.full) return true;
    yield* skipSpace(input);
    if ((yield* peek(input)) !== ",") break;
    input.take(1);
  }
  yield* skipLiteral(input, "]");
  return any;
}

/** Reads one object. Emits nothing before its name is known to be a tool's. */
export function* readJsonCall(
  input: StreamInput,
  sink: EventSink,
  shape: JsonShape,
  isNested = false,
): Reader<boolean> {
  yield* skipSpace(input);
  if ((yield* peek(input)) !== "{") return false;
  input.take(1);
  const state: CallState = { call: undefined, ignored: false, early: undefined, isNested };
  for (;;) {
    yield* skipSpace(input);
    const character = yield* peek(input);
    if (character === null || character === "}") {
      if (character === "}") input.take(1);
      break;
    }
    if (character === ",") {
      input.take(1);
      continue;
    }
    const key = yield* readText(input);
    if (key === null || !(yield* skipLiteral(input, ":"))) break;
    // A bare object may be the answer itself: its first key tells, so that an answer in JSON is streamed.
    if (shape.open === "" && state.call === undefined && !isCallKey(key, shape)) return false;
    if (!(yield* readField(input, { sink, shape, key, state }))) return state.call !== undefined;
  }
  if (state.call === undefined) return state.ignored;
  if (state.early !== undefined) state.call.add(state.early);
  state.call.close();
  return true;
}

function isCallKey(key: string, shape: JsonShape): boolean {
  return [shape.nameKey, shape.argumentsKey, ...NAME_KEYS, ...ARGUMENT_KEYS, ...OTHER_KEYS].includes(key);
}

interface CallState {
  call: OpenCall | undefined;
  ignored: boolean;
  /** Arguments that came before the name. */
  early: string | undefined;
  readonly isNested: boolean;
}

/** Reads one value of the object; false when it shows that the object is no call. */
function* readField(
  input: StreamInput,
  { sink, shape, key, state }: { sink: EventSink; shape: JsonShape; key: string; state: CallState },
): Reader<boolean> {
  yield* skipSpace(input);
  if (key === "function" && !state.isNested && (yield* peek(input)) === "{") {
    // OpenAI's own form: the call lies one object deeper.
    if (state.call !== undefined || !(yield* readJsonCall(input, sink, shape, true))) return false;
    state.ignored = true;
    return true;
  }
  if (state.call === undefined && (key === shape.nameKey || NAME_KEYS.includes(key) || key === "function")) {
    const name = yield* readText(input);
    if (name === null) {
      if (input.isCut && input.rest.startsWith('"')) sink.noteBrokenName(input.rest.slice(1));
      return false;
    }
    if (sink.isIgnored(name)) {
      state.ignored = true;
      return true;
    }
    if (sink.tool(name) === undefined) return false;
    state.call = sink.open(name);
    return true;
  }
  if (key === shape.argumentsKey || ARGUMENT_KEYS.includes(key)) {
    yield* readArguments(input, state);
    return true;
  }
  yield* readValue(input, { emit: () => undefined });
  return true;
}

function* readArguments(input: StreamInput, state: CallState): Reader<void> {
  const first = yield* peek(input);
  const { call } = state;
  if (call !== undefined && first === "{") {
    yield* readValue(input, { emit: (piece) => call.add(piece), release: true });
    return;
  }
  let whole = "";
  yield* readValue(input, {
    emit: (piece) => {
      whole += piece;
    },
  });
  // Some models write the arguments as JSON inside a string, or null for none.
  const text = whole === "null" ? "{}" : (decodeString(whole) ?? whole);
  if (call === undefined) state.early = text;
  else call.add(text);
}
