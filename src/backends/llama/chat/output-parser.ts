// Creates the output parser of one choice, which turns generated text into events of text, reasoning and calls.
import { EventSink } from "./output/call-sink.ts";
import { readHarmony } from "./output/harmony-reader.ts";
import { readMarkers, type ReaderState } from "./output/marker-reader.ts";
import { readRecipients } from "./output/recipient-reader.ts";
import { StreamInput, type Reader } from "./output/stream-input.ts";
import { MarkupTokens } from "../tokens/markup-tokens.ts";
import type { OutputParser, OutputParserOptions, ParsedEvent } from "./types.ts";

/**
 * Creates the parser for one choice. Text that is not part of any markup passes unchanged, character for character; only the
 * white space between markup and text is dropped. Where markup is a token of the vocabulary, only that token, signed, is markup.
 */
export function createOutputParser({ markup = MarkupTokens.none, ...given }: OutputParserOptions): OutputParser {
  const options = { ...given, markup, family: markup.signAll(given.family) };
  const input = new StreamInput();
  const sink = new EventSink(options, { isCut: () => input.isCut });
  const state: ReaderState = { inReasoning: options.startsInReasoning };
  const reader = createReader({ input, sink, options, state });
  let finished = false;

  const advance = (): ParsedEvent[] => {
    if (!finished) finished = reader.next().done === true;
    return sink.drain();
  };
  return {
    push(text) {
      if (finished || text === "") return [];
      input.append(text);
      return advance();
    },
    end({ cutOff } = { cutOff: false }) {
      input.finish({ cutOff });
      return advance();
    },
    get done() {
      return sink.full;
    },
    get inReasoning() {
      return state.inReasoning;
    },
  };
}

function createReader({
  input,
  sink,
  options,
  state,
}: {
  input: StreamInput;
  sink: EventSink;
  options: OutputParserOptions & { readonly markup: MarkupTokens };
  state: ReaderState;
}): Reader<void> {
  switch (options.family.parser) {
    case "markers":
      return readMarkers(input, { sink, options, state });
    case "harmony":
      return readHarmony(input, { sink, options, state });
    case "recipient":
      return readRecipients(input, { sink, options });
  }
}
