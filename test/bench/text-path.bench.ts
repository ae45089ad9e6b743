// The time of each part of a generated token's way to the caller: npx vitest bench test/bench/text-path.bench.ts
import { bench, describe } from "vitest";
import type { TextEvent } from "../../src/domain/text.ts";
import { formatEvent, sseResponse } from "../../src/http/stream/sse-response.ts";
import { createChatChunkMapper } from "../../src/wire/openai/chat/to-chunks.ts";
import type { SseEvent } from "../../src/wire/sse-event.ts";
import { StopMatcher } from "../../src/util/stop-matcher.ts";
import { Utf8Assembler } from "../../src/util/utf8-assembler.ts";

const tokens = 1000;
const pieces = Array.from(
  { length: tokens },
  (_, index) => [" the", " small", "\n", " don", "'t", " é"][index % 6] ?? "",
);
const encoder = new TextEncoder();
const wholePieces = pieces.map((piece) => encoder.encode(piece));
// Every character has four bytes and comes as two tokens.
const halves = Array.from({ length: tokens }, (_, index) =>
  encoder.encode("🔥").subarray(index % 2 === 0 ? 0 : 2, index % 2 === 0 ? 2 : 4),
);

describe(`stop matcher, ${tokens} tokens`, () => {
  const run = (stops: readonly string[]) => () => {
    const matcher = new StopMatcher(stops);
    for (const piece of pieces) matcher.push(piece);
    matcher.flush();
  };
  bench("no stop", run([]));
  bench("four stops that never come", run(["###", "</s>", "\n\nUser:", " the end"]));
  bench("a stop that is held back at every token", run([" the small\n don't stop", " smaller"]));
});

describe(`UTF-8 assembly, ${tokens} tokens`, () => {
  const run = (all: readonly Uint8Array[]) => () => {
    const assembler = new Utf8Assembler();
    for (const bytes of all) assembler.push(bytes);
    assembler.flush();
  };
  bench("whole code points", run(wholePieces));
  bench("code points cut in two", run(halves));
});

const context = {
  id: "chatcmpl-0123456789abcdef0123456789abcdef",
  createdSeconds: 1_700_000_000,
  model: "tiny-chat",
  fingerprint: "fp_0123456789ab",
  request: { n: 1, topLogprobs: null, toolChoice: { type: "auto" } },
  usesFunctions: false,
} as const;
const events = pieces.map((text): TextEvent => ({ type: "text-delta", choice: 0, text }));

describe(`events to JSON chunks, ${tokens} tokens`, () => {
  bench("mapper", () => {
    const toChunks = createChatChunkMapper(context, { includeUsage: true, includeObfuscation: false });
    for (const event of events) toChunks(event);
  });
  bench("JSON.stringify of the whole chunk, for comparison", () => {
    for (const text of pieces) {
      JSON.stringify({
        id: context.id,
        object: "chat.completion.chunk",
        created: context.createdSeconds,
        model: context.model,
        system_fingerprint: context.fingerprint,
        choices: [{ index: 0, delta: { content: text }, logprobs: null, finish_reason: null }],
        usage: null,
      });
    }
  });
});

const toChunks = createChatChunkMapper(context, { includeUsage: true, includeObfuscation: false });
const sent = events.flatMap((event) => toChunks(event));

async function* streamed(): AsyncGenerator<SseEvent, void, undefined> {
  for (const event of sent) yield await Promise.resolve(event);
}

describe(`server-sent events, ${tokens} chunks`, () => {
  bench("pulled through the response's body", async () => {
    const response = sseResponse({
      events: streamed(),
      onEnd: () => undefined,
      onLeave: () => undefined,
      onError: () => ({ data: "{}" }),
      pingMs: 0,
    });
    await response.body?.pipeTo(new WritableStream());
  });
  bench("the iterator alone, for comparison", async () => {
    for await (const event of streamed()) encoder.encode(formatEvent(event));
  });
});
