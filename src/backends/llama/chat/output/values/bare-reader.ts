// Reads arguments that are no JSON, with bare names and strings between quotes of the model's own (Gemma 4), and hands them out as JSON,
// strings piece by piece.
import type { OpenCall } from "../call-sink.ts";
import { readString } from "./json-reader.ts";
import { pythonToJson } from "./python-literal.ts";
import { matchOne, peek, readUntil, skipSpace, type Reader, type StreamInput } from "../stream-input.ts";
import { TextWriter } from "./text-writer.ts";

export interface BareContext {
  readonly call: OpenCall;
  readonly quote: string;
}

/** Deeper values are read as words: whoever writes thousands of brackets must not exhaust the stack. */
const maximumDepth = 200;

/** Reads one value. False where the text ends inside of it. */
export function* readBareValue(input: StreamInput, context: BareContext, depth = 0): Reader<boolean> {
  const { call, quote } = context;
  yield* skipSpace(input);
  if ((yield* matchOne(input, [quote])) !== null) {
    input.take(quote.length);
    return yield* readQuoted(input, context);
  }
  const next = yield* peek(input);
  if (next === null) return false;
  if ((next === "{" || next === "[") && depth < maximumDepth) return yield* readItems(input, context, depth);
  if (next === '"') {
    const text = yield* readString(input);
    if (text !== null) {
      call.add(text);
      return true;
    }
  }
  const word = yield* readWord(input);
  if (word === null) return false;
  call.add(pythonToJson(word));
  return true;
}

function* readItems(input: StreamInput, context: BareContext, depth: number): Reader<boolean> {
  const { call } = context;
  const isObject = input.take(1) === "{";
  const end = isObject ? "}" : "]";
  call.add(isObject ? "{" : "[");
  for (let first = true; ; first = false) {
    yield* skipSpace(input);
    let next = yield* peek(input);
    if (next === "," && !first) {
      input.take(1);
      yield* skipSpace(input);
      next = yield* peek(input);
    }
    if (next === null) return false;
    if (next === end) break;
    // Brackets that do not match end the value: what follows is no part of it.
    if (next === "}" || next === "]") return false;
    if (isObject) {
      const name = yield* readName(input, context);
      if (name === null) return false;
      call.add(`${first ? "" : ", "}${JSON.stringify(name)}: `);
    } else if (!first) call.add(", ");
    if (!(yield* readBareValue(input, context, depth + 1))) return false;
  }
  input.take(1);
  call.add(end);
  return true;
}

function* readQuoted(input: StreamInput, { call, quote }: BareContext): Reader<boolean> {
  const writer = new TextWriter(call);
  call.add('"');
  const emit = (text: string): void => writer.write(text);
  const { marker } = yield* readUntil(input, [quote], { release: true, certainFrom: 1, emit });
  writer.flush();
  if (marker === null) return false;
  input.take(marker.length);
  call.add('"');
  return true;
}

function* readName(input: StreamInput, { quote }: BareContext): Reader<string | null> {
  const isQuoted = (yield* matchOne(input, [quote])) !== null;
  if (isQuoted) input.take(quote.length);
  let name = "";
  const emit = (text: string): void => {
    name += text;
  };
  if (isQuoted) {
    const { marker } = yield* readUntil(input, [quote], { emit });
    if (marker === null) return null;
    input.take(marker.length);
    yield* skipSpace(input);
    if ((yield* peek(input)) !== ":") return null;
  } else if ((yield* readUntil(input, [":"], { emit })).marker === null) return null;
  input.take(1);
  return isQuoted ? name : name.trim().replace(/^"(.*)"$/s, "$1");
}

/** A number or a constant, up to what ends it; `null` where the text ends first. */
function* readWord(input: StreamInput): Reader<string | null> {
  let word = "";
  const emit = (text: string): void => {
    word += text;
  };
  const { marker } = yield* readUntil(input, [",", "}", "]"], { emit });
  return marker === null ? null : word.trim();
}
