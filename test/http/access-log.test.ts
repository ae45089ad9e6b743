// The access log: one line per request.
import { describe, expect, it } from "vitest";
import { ServerError } from "../../src/domain/errors.ts";
import { createTestApp, type TestApp } from "../support/http-app.ts";

const usage = {
  promptTokens: 3,
  cachedTokens: 0,
  completionTokens: 1,
  reasoningTokens: 0,
  acceptedPredictionTokens: 0,
  rejectedPredictionTokens: 0,
};
const timings = { tokenizeMs: 1.26, queueMs: 2, promptMs: 3.04, decodeMs: 4 };
const phases = { tokenizeMs: 1.3, queueMs: 2, promptMs: 3, decodeMs: 4 };

function linesOf({ logged }: TestApp): unknown[] {
  return logged.filter(({ level }) => level === "info").map(({ facts }) => facts);
}

const test = () =>
  createTestApp({
    script: {
      async *chat() {
        yield { type: "accepted", promptTokens: 3 };
        yield { type: "choice-end", choice: 0, reason: "end-of-turn" };
        yield { type: "finish", usage, timings };
      },
      async *embedding() {
        const times = { tokenizeMs: 1, queueMs: 2, inferenceMs: 3 };
        yield { vectors: new Float32Array([1]), dimensions: 1, promptTokens: 1, timings: times };
      },
      async *rerank() {
        yield { scores: [1], promptTokens: 1, timings: { tokenizeMs: 4, queueMs: 5, inferenceMs: 6 } };
      },
    },
  });

const chat = { model: "org/chat", messages: [{ role: "user", content: "hi" }] };

describe("the access log", () => {
  it("has one line per request, with the model and the time of each phase to a tenth", async () => {
    const app = test();
    await (await app.post("/v1/chat/completions", chat)).text();
    expect(linesOf(app)).toEqual([
      {
        requestId: "req_0123456789abcdef0123456789abcdef",
        method: "POST",
        path: "/v1/chat/completions",
        status: 200,
        model: "org/chat",
        durationMs: 0,
        ...phases,
      },
    ]);
  });

  it("has the phases of a stream, which are known at its end", async () => {
    const app = test();
    const response = await app.post("/v1/chat/completions", { ...chat, stream: true });
    expect(linesOf(app)).toEqual([]);
    await response.text();
    expect(linesOf(app)).toEqual([expect.objectContaining({ status: 200, ...phases })]);
  });

  it("has the phases of embeddings and of reranking", async () => {
    const app = test();
    await app.post("/v1/embeddings", { model: "embed", input: "x" });
    await app.post("/v1/rerank", { model: "rank", query: "q", documents: ["d"] });
    expect(linesOf(app)).toEqual([
      expect.objectContaining({ path: "/v1/embeddings", tokenizeMs: 1, queueMs: 2, inferenceMs: 3 }),
      expect.objectContaining({ path: "/v1/rerank", tokenizeMs: 4, queueMs: 5, inferenceMs: 6 }),
    ]);
  });

  it("has no phases where no model finished its work", async () => {
    const app = createTestApp({
      script: {
        async *chat() {
          yield { type: "accepted", promptTokens: 3 };
          throw new ServerError("model_crashed", "gone");
        },
      },
    });
    await app.app.request("/v1/models");
    await (await app.post("/v1/chat/completions", { ...chat, stream: true })).text();
    for (const line of linesOf(app)) expect(line).not.toHaveProperty("queueMs");
    expect(linesOf(app)).toHaveLength(2);
  });
});
