// Reads the Harmony format of gpt-oss: messages with a header (role, recipient, channel) and a body.
// Reference: openai/harmony, docs/format.md; behaviour at the edges as recorded in llama.cpp's tests/test-chat.cpp.
import type { OutputParserOptions } from "../types.ts";
import type { EventSink } from "./call-sink.ts";
import type { ReaderState } from "./marker-reader.ts";
import { readArgumentsOf } from "./named-calls.ts";
import { matchOne, peek, readUntil, skipSpace, type Reader, type StreamInput } from "./stream-input.ts";

const BODY_ENDS = ["<|end|>", "<|call|>", "<|return|>", "<|start|>"];
const HEADER_STARTS = ["<|start|>", "<|channel|>", "<|message|>", "<|constrain|>", "to="];

/** Reads a whole answer, which begins behind `<|start|>assistant`. */
export function* readHarmony(
  input: StreamInput,
  {
    sink,
    options,
    state,
  }: { readonly sink: EventSink; readonly options: OutputParserOptions; readonly state: ReaderState },
): Reader<void> {
  let wroteText = false;
  let sawHeader = false;
  const text = (piece: string): void => {
    wroteText = true;
    sink.text(piece);
  };
  if (options.startsInText === true) yield* readBody(input, text);
  else if (options.startsInReasoning) yield* readThought(input, { sink, state });
  while (!sink.full) {
    const start = input.position;
    yield* skipSpace(input);
    if ((yield* peek(input)) === null) {
      if (!sawHeader) sink.text(input.since(start));
      return;
    }
    input.watch();
    if ((yield* matchOne(input, HEADER_STARTS)) === null) {
      // Two characters or more that begin a header are one that was cut off; a single one may be text.
      if (input.isCut && input.rest.length > 1) return;
      // No header: the model writes as if there were no channels. Behind a message that had one, it is no constrained text.
      input.seek(start);
      if (sawHeader && options.finalTextOnly === true) yield* readThought(input, { sink, state });
      else yield* readBody(input, text);
      continue;
    }
    const header = yield* readHeader(input);
    if (header === undefined) return;
    sawHeader = true;
    const { channel, recipient } = header;
    const name = recipient?.startsWith("functions.") === true ? recipient.slice("functions.".length) : undefined;
    if (name !== undefined && sink.tool(name) !== undefined) {
      input.watch();
      yield* readArgumentsOf(input, sink.open(name));
      if (!sink.full) yield* readBody(input, () => undefined);
    } else if (
      channel === "analysis" ||
      recipient !== undefined ||
      (channel !== "final" && options.finalTextOnly === true)
    ) {
      // A message to a tool that was not offered counts as reasoning.
      yield* readThought(input, { sink, state });
    } else {
      if (wroteText) sink.text("\n");
      yield* readBody(input, text);
    }
  }
}

function* readThought(
  input: StreamInput,
  { sink, state }: { readonly sink: EventSink; readonly state: ReaderState },
): Reader<void> {
  state.inReasoning = true;
  yield* readBody(input, (piece) => sink.reasoning(piece));
  state.inReasoning = false;
}

/** Reads everything up to `<|message|>`. `undefined` where the answer ends before it. */
function* readHeader(
  input: StreamInput,
): Reader<{ readonly channel: string | undefined; readonly recipient: string | undefined } | undefined> {
  let header = "";
  const { marker } = yield* readUntil(input, ["<|message|>"], {
    emit: (piece) => {
      header += piece;
    },
  });
  if (marker === null) return undefined;
  input.take(marker.length);
  // A stray channel may come before the real one, and a header may be begun anew: the last counts.
  header = header.slice(Math.max(0, header.lastIndexOf("<|start|>")));
  const channel = [...header.matchAll(/<\|channel\|>\s*(\w+)/g)].at(-1)?.[1];
  const recipient = [...header.matchAll(/\bto=([^\s<]+)/g)].at(-1)?.[1];
  return {
    channel,
    recipient: recipient === "assistant" || recipient === "user" || recipient === "all" ? undefined : recipient,
  };
}

/** Consumes a body and the marker that ends it, unless that begins the next message. */
function* readBody(input: StreamInput, emit: (piece: string) => void): Reader<void> {
  const { marker } = yield* readUntil(input, BODY_ENDS, { emit, release: true, certainFrom: 2 });
  if (marker !== null && marker !== "<|start|>") input.take(marker.length);
}
