// Reads calls with the name in the markup and the arguments as JSON after it: `name[ARGS]{…}`, `<function=name>{…}</function>`.
import type { ToolCallShape } from "../tool-call-shape.ts";
import { readBareValue } from "./values/bare-reader.ts";
import type { EventSink, OpenCall } from "./call-sink.ts";
import { readValue } from "./values/json-reader.ts";
import { matchOne, peek, readUntil, skipLiteral, skipSpace, type Reader, type StreamInput } from "./stream-input.ts";

type NamedShape = ToolCallShape & { readonly kind: "named-json" };

/** Reads the calls after `open`. `opened`: `beforeEach` of the first call was consumed as the marker that led here. */
export function* readNamedCalls(
  input: StreamInput,
  sink: EventSink,
  { shape, opened }: { readonly shape: NamedShape; readonly opened: boolean },
): Reader<boolean> {
  let any = false;
  for (;;) {
    const place = input.position;
    const led = (any || !opened) && shape.beforeEach !== "" ? yield* skipLiteral(input, shape.beforeEach) : true;
    if (!led || !(yield* readNamedCall(input, sink, shape))) {
      input.seek(place);
      break;
    }
    any = true;
    if (sink.full || shape.beforeEach === "") return true;
    if (shape.separator.trim() !== "") yield* skipLiteral(input, shape.separator);
    // Without a common opening each further call is found by its own marker.
    if (shape.open === "") return true;
  }
  if (any && shape.close !== "") yield* skipLiteral(input, shape.close);
  return any;
}

function* readNamedCall(input: StreamInput, sink: EventSink, shape: NamedShape): Reader<boolean> {
  yield* skipSpace(input);
  const name = yield* matchOne(input, sink.toolNames);
  if (name === null) return false;
  input.take(name.length);
  if (shape.idMarker !== undefined && (yield* skipLiteral(input, shape.idMarker))) {
    yield* readUntil(input, [shape.beforeArguments], { emit: () => undefined });
  }
  if (shape.beforeNumber !== undefined && (yield* skipLiteral(input, shape.beforeNumber))) {
    yield* readUntil(input, [shape.beforeArguments], { emit: () => undefined });
  }
  if (!(yield* skipLiteral(input, shape.beforeArguments))) return false;
  if (shape.quote === undefined) yield* readArgumentsOf(input, sink.open(name));
  else if (!(yield* readBareArguments(input, sink.open(name), shape.quote))) return true;
  if (shape.afterEach !== "") yield* skipLiteral(input, shape.afterEach);
  return true;
}

/** False where the text ends before them: what has come is all there is of the call. */
function* readBareArguments(input: StreamInput, call: OpenCall, quote: string): Reader<boolean> {
  yield* skipSpace(input);
  const isWhole = (yield* peek(input)) !== "{" || (yield* readBareValue(input, { call, quote }));
  call.close();
  return isWhole;
}

/** Reads the arguments and ends the call. Only an object counts as arguments; a call without one gets `{}`. */
export function* readArgumentsOf(input: StreamInput, call: OpenCall): Reader<void> {
  yield* skipSpace(input);
  if ((yield* peek(input)) === "{") {
    yield* readValue(input, { emit: (piece) => call.add(piece), release: true });
  }
  call.close();
}
