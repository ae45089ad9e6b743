// Reads answers of Functionary v3.2: every part begins with its recipient on a line of its own, `all` for text or a tool's name, and
// parts are separated by `>>>`. The prompt ends with the first `>>>`.
import type { OutputParserOptions } from "../types.ts";
import type { EventSink } from "./call-sink.ts";
import { readArgumentsOf } from "./named-calls.ts";
import { matchOne, peek, readUntil, skipSpace, type Reader, type StreamInput } from "./stream-input.ts";
import { TextWriter } from "./values/text-writer.ts";

const SEPARATOR = ">>>";

/** Reads a whole answer. */
export function* readRecipients(
  input: StreamInput,
  { sink, options }: { readonly sink: EventSink; readonly options: OutputParserOptions },
): Reader<void> {
  const hasTools = options.tools.length > 0;
  const recipients = ["all\n", ...(hasTools ? sink.toolNames.map((name) => `${name}\n`) : [])];
  let expected = options.startsInText !== true;
  for (;;) {
    if (expected) {
      if ((yield* matchOne(input, [SEPARATOR])) !== null) input.take(SEPARATOR.length);
      input.watch();
      const recipient = yield* matchOne(input, recipients);
      if (recipient !== null) input.take(recipient.length);
      // The beginning of a recipient's name that was cut off is not text.
      else if (input.isCut) return;
      if (recipient !== null && recipient !== "all\n") {
        yield* readCall(input, sink, recipient.trimEnd());
        if (sink.full) return;
        if (yield* atEnd(input)) return;
        continue;
      }
    }
    expected = false;
    // `>>>` is ordinary text unless a recipient follows it.
    const separators = hasTools ? recipients.map((recipient) => SEPARATOR + recipient) : [];
    const { marker } = yield* readUntil(input, separators, {
      holdSpace: true,
      release: true,
      certainFrom: SEPARATOR.length + 1,
      emit: (text) => sink.text(text),
    });
    if (marker === null) return;
    expected = true;
  }
}

function* readCall(input: StreamInput, sink: EventSink, name: string): Reader<void> {
  input.watch();
  const call = sink.open(name);
  yield* skipSpace(input);
  if ((yield* peek(input)) === "{") {
    yield* readArgumentsOf(input, call);
    yield* skipSpace(input);
    return;
  }
  // Arguments that are no object are bare code, for the code interpreter.
  const writer = new TextWriter(call);
  let empty = true;
  const { marker } = yield* readUntil(input, [SEPARATOR], {
    holdSpace: true,
    release: true,
    emit: (text) => {
      if (empty) call.add('{"code": "');
      empty = false;
      writer.write(text);
    },
  });
  writer.flush();
  if (!empty) call.add('"}');
  call.close();
  if (marker === null) yield* skipSpace(input);
}

function* atEnd(input: StreamInput): Reader<boolean> {
  return (yield* peek(input)) === null;
}
