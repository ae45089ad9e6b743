// Streams from the HTTP application over a fake backend: their events, their ends, and how far a producer runs ahead.
import { describe, expect, it } from "vitest";
import { ServerError } from "../../src/domain/errors.ts";
import type { TextEvent } from "../../src/domain/text.ts";
import { createTestApp, readEvents } from "../support/http-app.ts";

const chat = { model: "org/chat", messages: [{ role: "user", content: "hi" }], stream: true };
const finish: TextEvent = {
  type: "finish",
  usage: {
    promptTokens: 3,
    cachedTokens: 1,
    completionTokens: 2,
    reasoningTokens: 0,
    acceptedPredictionTokens: 0,
    rejectedPredictionTokens: 0,
  },
  timings: { tokenizeMs: 1, queueMs: 2, promptMs: 3, decodeMs: 4.04 },
};

async function* story(): AsyncGenerator<TextEvent> {
  yield { type: "accepted", promptTokens: 3 };
  yield { type: "part-start", choice: 0, part: { type: "text" } };
  yield { type: "text-delta", choice: 0, text: "Hel" };
  yield { type: "text-delta", choice: 0, text: "lo" };
  yield { type: "part-end", choice: 0 };
  yield { type: "choice-end", choice: 0, reason: "end-of-turn" };
  yield finish;
}

describe("streams", () => {
  it("sends the role once, the deltas, the finish, and [DONE]", async () => {
    const { post, leases } = createTestApp({ script: { chat: story } });
    const response = await post("/v1/chat/completions", chat);
    expect(response.headers.get("content-type")).toBe("text/event-stream; charset=utf-8");
    const events = await readEvents(response);
    expect(events.pop()).toBe("[DONE]");
    const chunks = events.map(
      (event) =>
        JSON.parse(event) as {
          choices: { delta: { content?: string; role?: string }; finish_reason: string | null }[];
          usage?: unknown;
        },
    );
    expect(chunks.map((chunk) => chunk.choices[0]?.delta.content ?? "").join("")).toBe("Hello");
    expect(chunks.filter((chunk) => chunk.choices[0]?.delta.role === "assistant")).toHaveLength(1);
    expect(chunks.at(-1)?.choices[0]?.finish_reason).toBe("stop");
    expect(chunks.every((chunk) => !("usage" in chunk))).toBe(true);
    expect(leases()).toBe(0);
  });

  it("sends a usage chunk without choices when it is asked for, and null before", async () => {
    const { post } = createTestApp({ script: { chat: story } });
    const response = await post("/v1/chat/completions", { ...chat, stream_options: { include_usage: true } });
    const chunks = (await readEvents(response))
      .slice(0, -1)
      .map((event) => JSON.parse(event) as { choices: unknown[]; usage: unknown });
    expect(chunks.at(-1)).toMatchObject({ choices: [], usage: { prompt_tokens: 3, total_tokens: 5 } });
    expect(chunks.slice(0, -1).every((chunk) => chunk.usage === null)).toBe(true);
  });

  it("answers what is refused before the first event with its own status and JSON", async () => {
    const { post } = createTestApp({
      script: {
        chat() {
          throw new ServerError("context_length_exceeded", { message: "too long", param: "messages" });
        },
      },
    });
    const response = await post("/v1/chat/completions", chat);
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({ error: { code: "context_length_exceeded", param: "messages" } });
  });

  it("reports a failure in mid-stream with one error event and no [DONE]", async () => {
    const { post } = createTestApp({
      script: {
        async *chat() {
          yield { type: "accepted", promptTokens: 3 };
          yield { type: "text-delta", choice: 0, text: "Hel" };
          throw new ServerError("model_crashed", { message: "the runner is gone", param: "sampling.topP" });
        },
      },
    });
    const events = await readEvents(await post("/v1/chat/completions", chat));
    expect(JSON.parse(events.at(-1) as string)).toMatchObject({ error: { code: "model_crashed", param: "top_p" } });
    expect(events).not.toContain("[DONE]");
    expect(events.join("")).not.toContain('"finish_reason":"stop"');
  });

  it("aborts the backend when the reader leaves, and gives the lease back", async () => {
    let aborted = false;
    const { post, leases } = createTestApp({
      script: {
        async *chat(_, signal) {
          try {
            yield { type: "accepted", promptTokens: 3 };
            yield { type: "text-delta", choice: 0, text: "a" };
            await new Promise((resolve) => signal.addEventListener("abort", resolve));
          } finally {
            aborted = signal.aborted;
          }
        },
      },
    });
    const reader = (await post("/v1/chat/completions", chat)).body?.getReader() as ReadableStreamDefaultReader;
    await reader.read();
    expect(leases()).toBe(1);
    await reader.cancel();
    expect(aborted).toBe(true);
    expect(leases()).toBe(0);
  });

  it("lets a producer run no further ahead of its reader than a window of events", async () => {
    let produced = 0;
    const { post } = createTestApp({
      script: {
        async *chat() {
          yield { type: "accepted", promptTokens: 3 };
          for (;;) {
            produced += 1;
            yield { type: "text-delta", choice: 0, text: "a" };
          }
        },
      },
    });
    const reader = (await post("/v1/chat/completions", chat)).body?.getReader() as ReadableStreamDefaultReader;
    await reader.read();
    const turns = async () => {
      for (let turn = 0; turn < 20; turn += 1) await new Promise((resolve) => setImmediate(resolve));
    };
    await turns();
    const ahead = produced;
    expect(ahead).toBeLessThan(100);
    await turns();
    expect(produced).toBe(ahead);
    await reader.cancel();
  });

  it("keeps a silent connection alive with comments", async () => {
    let release: () => void = () => {};
    const { post } = createTestApp({
      settings: { ssePingMs: 5 },
      script: {
        async *chat() {
          yield { type: "accepted", promptTokens: 3 };
          await new Promise<void>((resolve) => {
            release = resolve;
          });
          yield { type: "choice-end", choice: 0, reason: "end-of-turn" };
          yield finish;
        },
      },
    });
    const reader = (
      await post("/v1/chat/completions", chat)
    ).body?.getReader() as ReadableStreamDefaultReader<Uint8Array>;
    const texts: string[] = [];
    while (!texts.join("").includes(": ping\n\n")) {
      texts.push(new TextDecoder().decode((await reader.read()).value));
    }
    release();
    for (;;) {
      const { done, value } = await reader.read();
      if (done) break;
      texts.push(new TextDecoder().decode(value));
    }
    expect(texts.join("")).toContain("[DONE]");
  });

  it("tells the steps of an image as comments, and its events by their names", async () => {
    const size = { width: 8, height: 8 };
    const { post } = createTestApp({
      script: {
        async *image() {
          yield { type: "accepted" };
          yield { type: "progress", image: 0, step: 1, steps: 2 };
          yield { type: "partial", image: 0, index: 0, bytes: new Uint8Array([1]), size };
          yield { type: "image", image: 0, bytes: new Uint8Array([2]), seed: 7, size };
          yield {
            type: "finish",
            promptTokens: 1,
            imageTokens: 1,
            inputImageTokens: 0,
            timings: { queueMs: 0, conditionMs: 0, denoiseMs: 0, decodeMs: 0, encodeMs: 0 },
          };
        },
      },
    });
    const text = await (
      await post("/v1/images/generations", { model: "draw", prompt: "x", stream: true, partial_images: 1 })
    ).text();
    expect(text).toContain(": image 1 of 1, step 1 of 2\n\n");
    expect(text.match(/^event: .*$/gm)).toEqual([
      "event: image_generation.partial_image",
      "event: image_generation.completed",
    ]);
  });
});
