// Reads the Harmony format of gpt-oss: messages with a header (role, recipient, channel) and a body.
// Reference: openai/harmony, docs/format.md; behaviour at the edges as recorded in llama.cpp's tests/test-chat.cpp.
import { MarkupTokens, withoutSigns } from "../../tokens/markup-tokens.ts";
import type { OutputParserOptions } from "../types.ts";
import type { EventSink } from "./call-sink.ts";
import type { ReaderState } from "./marker-reader.ts";
import { readArgumentsOf } from "./named-calls.ts";
import { matchOne, peek, readUntil, skipSpace, type Reader, type StreamInput } from "./stream-input.ts";

/** The format's markup, as the vocabulary has it. */
interface Marks {
  readonly start: string;
  readonly message: string;
  readonly channel: string;
  readonly bodyEnds: readonly string[];
  readonly headerStarts: readonly string[];
}

function marksOf({ markup = MarkupTokens.none }: OutputParserOptions): Marks {
  return markup.signAll({
    start: "<|start|>",
    message: "<|message|>",
    channel: "<|channel|>",
    bodyEnds: ["<|end|>", "<|call|>", "<|return|>", "<|start|>"],
    headerStarts: ["<|start|>", "<|channel|>", "<|message|>", "<|constrain|>", "to="],
  });
}

/** Reads a whole answer, which begins behind `<|start|>assistant`. */
export function* readHarmony(
  input: StreamInput,
  {
    sink,
    options,
    state,
  }: { readonly sink: EventSink; readonly options: OutputParserOptions; readonly state: ReaderState },
): Reader<void> {
  const marks = marksOf(options);
  let wroteText = false;
  let sawHeader = false;
  const text = (piece: string): void => {
    wroteText = true;
    sink.text(piece);
  };
  if (options.startsInText === true) yield* readBody(input, marks, text);
  else if (options.startsInReasoning) yield* readThought(input, { sink, state, marks });
  while (!sink.full) {
    const start = input.position;
    yield* skipSpace(input);
    if ((yield* peek(input)) === null) {
      if (!sawHeader) sink.text(input.since(start));
      return;
    }
    input.watch();
    if ((yield* matchOne(input, marks.headerStarts)) === null) {
      // Two characters or more that begin a header are one that was cut off; a single one may be text.
      if (input.isCut && input.rest.length > 1) return;
      // No header: the model writes as if there were no channels. Behind a message that had one, it is no constrained text.
      input.seek(start);
      if (sawHeader && options.finalTextOnly === true) yield* readThought(input, { sink, state, marks });
      else yield* readBody(input, marks, text);
      continue;
    }
    const header = yield* readHeader(input, marks);
    if (header === undefined) return;
    sawHeader = true;
    const { channel, recipient } = header;
    const name = recipient?.startsWith("functions.") === true ? recipient.slice("functions.".length) : undefined;
    if (name !== undefined && sink.tool(name) !== undefined) {
      input.watch();
      yield* readArgumentsOf(input, sink.open(name));
      if (!sink.full) yield* readBody(input, marks, () => undefined);
    } else if (
      channel === "analysis" ||
      recipient !== undefined ||
      (channel !== "final" && options.finalTextOnly === true)
    ) {
      // A message to a tool that was not offered counts as reasoning.
      yield* readThought(input, { sink, state, marks });
    } else {
      if (wroteText) sink.text("\n");
      yield* readBody(input, marks, text);
    }
  }
}

function* readThought(
  input: StreamInput,
  { sink, state, marks }: { readonly sink: EventSink; readonly state: ReaderState; readonly marks: Marks },
): Reader<void> {
  state.inReasoning = true;
  yield* readBody(input, marks, (piece) => sink.reasoning(piece));
  state.inReasoning = false;
}

/** Reads everything up to `<|message|>`. `undefined` where the answer ends before it. */
function* readHeader(
  input: StreamInput,
  marks: Marks,
): Reader<{ readonly channel: string | undefined; readonly recipient: string | undefined } | undefined> {
  let header = "";
  const { marker } = yield* readUntil(input, [marks.message], {
    emit: (piece) => {
      header += piece;
    },
  });
  if (marker === null) return undefined;
  input.take(marker.length);
  // A stray channel may come before the real one, and a header may be begun anew: the last counts.
  header = header.slice(Math.max(0, header.lastIndexOf(marks.start)));
  const channels = header.split(marks.channel).slice(1);
  const channel = channels.flatMap((text) => /^\s*(\w+)/.exec(text)?.[1] ?? []).at(-1);
  const recipient = [...withoutSigns(header).matchAll(/\bto=([^\s<]+)/g)].at(-1)?.[1];
  return {
    channel,
    recipient: recipient === "assistant" || recipient === "user" || recipient === "all" ? undefined : recipient,
  };
}

/** Consumes a body and the marker that ends it, unless that begins the next message. */
function* readBody(input: StreamInput, marks: Marks, emit: (piece: string) => void): Reader<void> {
  const { marker } = yield* readUntil(input, marks.bodyEnds, { emit, release: true, certainFrom: 2 });
  if (marker !== null && marker !== marks.start) input.take(marker.length);
}
