// Reads calls in Python's syntax: `[name(key="value", other=1), …]`. Arguments are emitted one by one, each when it is complete: a
// Python literal is turned into JSON as a whole.
import { withoutSigns } from "../../tokens/markup-tokens.ts";
import type { EventSink, OpenCall } from "./call-sink.ts";
import { pythonToJson } from "./values/python-literal.ts";
import { matchOne, peek, skipLiteral, skipSpace, type Reader, type StreamInput } from "./stream-input.ts";

/** Reads the calls after `open`, in brackets or bare. */
export function* readPythonCalls(
  input: StreamInput,
  sink: EventSink,
  { open, close }: { readonly open: string; readonly close: string },
): Reader<boolean> {
  const inList = yield* skipLiteral(input, "[");
  // Without any marker, a sentence that begins with a tool's name and a bracket would be taken for a call.
  if (!inList && open === "") return false;
  if (!(yield* readPythonCall(input, sink))) return false;
  while (!sink.full && (yield* skipLiteral(input, inList ? "," : ";"))) {
    if (!(yield* readPythonCall(input, sink))) break;
  }
  if (sink.full) return true;
  if (inList) yield* skipLiteral(input, "]");
  if (close !== "") yield* skipLiteral(input, close);
  return true;
}

function* readPythonCall(input: StreamInput, sink: EventSink): Reader<boolean> {
  yield* skipSpace(input);
  const name = yield* matchOne(input, sink.toolNames);
  if (name === null) return false;
  input.take(name.length);
  // Llama's built-in tools are called as `brave_search.call(query="…")`.
  yield* skipLiteral(input, ".call");
  if (!(yield* skipLiteral(input, "("))) return false;
  const call = sink.open(name);
  call.add("{");
  for (let first = true; ; first = false) {
    const argument = yield* readArgument(input);
    if (argument.text.trim() !== "") addArgument(call, argument.text, first);
    if (argument.end !== ",") break;
  }
  call.add("}");
  call.close();
  return true;
}

function addArgument(call: OpenCall, text: string, first: boolean): void {
  const [, key, value] = /^\s*([A-Za-z_][A-Za-z0-9_]*)\s*=([^]*)$/.exec(withoutSigns(text)) ?? [];
  if (key === undefined || value === undefined) return;
  call.add(`${first ? "" : ", "}${JSON.stringify(key)}: ${pythonToJson(value)}`);
}

/** Reads one `key=value` and consumes the comma or bracket that ends it. */
function* readArgument(input: StreamInput): Reader<{ readonly text: string; readonly end: string | null }> {
  let text = "";
  let depth = 0;
  let quote = "";
  for (;;) {
    const character = yield* peek(input);
    if (character === null) return { text, end: null };
    input.take(1);
    if (quote !== "") {
      text += character;
      if (character === "\\") {
        const escaped = yield* peek(input);
        if (escaped !== null) text += input.take(1);
      } else if (character === quote) quote = "";
      continue;
    }
    if (depth === 0 && (character === "," || character === ")")) return { text, end: character };
    if (character === '"' || character === "'") quote = character;
    if ("([{".includes(character)) depth += 1;
    if (")]}".includes(character)) depth -= 1;
    text += character;
  }
}
