import { afterEach, describe, expect, it } from "vitest";
import { runFor, runJobs } from "../../../src/bench/closed-loop.ts";
import { toBaseUrl } from "../../../src/bench/peers/server-client.ts";
import { countPromptTokens, streamCompletion } from "../../../src/bench/peers/stream-completion.ts";
import { sendEvents, startFakeServer, type Answering, type FakeServer } from "./fake-server.ts";

const signal = new AbortController().signal;
const servers: FakeServer[] = [];
afterEach(async () => {
  for (const server of servers.splice(0)) await server.close();
});
const start = async (answer: Answering): Promise<FakeServer> => {
  const server = await startFakeServer(answer);
  servers.push(server);
  return server;
};
const chat = { endpoint: "chat", turns: [{ role: "user", content: "Hi" }], maxTokens: 8 } as const;

describe("toBaseUrl", () => {
  it.each([
    ["127.0.0.1:8080", "http://127.0.0.1:8080/v1"],
    ["http://localhost:8080/", "http://localhost:8080/v1"],
    ["http://localhost:8080/v1/", "http://localhost:8080/v1"],
    ["https://example.com/openai/v1?x=1", "https://example.com/openai/v1"],
  ])("takes %s for %s", (written, url) => {
    expect(toBaseUrl(written).href).toBe(url);
  });
});

describe("ServerClient", () => {
  it("asks for the server's first model, once, with its key and the fields added to every body", async () => {
    const seen: unknown[] = [];
    const server = await start((request, response) => {
      seen.push([request.method, request.url, request.headers.authorization, request.json]);
      response.end(JSON.stringify({ data: [{ id: "first" }, { id: "second" }] }));
    });
    const client = server.client({ model: null, apiKey: "k", extraBody: { ignore_eos: true } });
    expect([await client.model(signal), await client.model(signal)]).toEqual(["first", "first"]);
    await client.post("/embeddings", { input: "x" }, signal);
    expect(seen).toEqual([
      ["GET", "/v1/models", "Bearer k", {}],
      ["POST", "/v1/embeddings", "Bearer k", { input: "x", ignore_eos: true }],
    ]);
  });

  it("gives the server's own message when it refuses", async () => {
    const server = await start((_request, response) => {
      response.writeHead(404).end('{"error":{"message":"no such model"}}');
    });
    await expect(server.client().post("/completions", {}, signal)).rejects.toMatchObject({
      status: 404,
      message: "404 no such model",
    });
  });
});

describe("streamCompletion", () => {
  it("counts tokens by the server's usage, not by chunks, and times only chunks with text", async () => {
    const server = await start((request, response) => {
      expect(request.json).toMatchObject({
        model: "m",
        stream: true,
        stream_options: { include_usage: true },
        max_tokens: 8,
      });
      sendEvents(response, [
        { choices: [{ delta: { role: "assistant", content: "" } }] },
        { choices: [{ delta: { content: "Hel" } }] },
        { choices: [{ delta: { content: "lo" } }] },
        { choices: [{ delta: {}, finish_reason: "stop" }] },
        {
          choices: [],
          usage: { prompt_tokens: 5, completion_tokens: 7, prompt_tokens_details: { cached_tokens: 3 } },
        },
        "[DONE]",
      ]);
    });
    const answer = await streamCompletion(server.client(), chat, signal);
    expect(answer).toMatchObject({
      text: "Hello",
      outputTokens: 7,
      isCounted: false,
      promptTokens: 5,
      cachedTokens: 3,
    });
    expect(answer.gapsMs).toHaveLength(1);
    expect(answer.totalMs).toBeGreaterThanOrEqual(answer.firstTextMs);
  });

  it("reads text that arrives cut in the middle of a character", async () => {
    const server = await start(async (_request, response) => {
      response.writeHead(200, { "content-type": "text/event-stream" });
      const bytes = Buffer.from('data: {"choices":[{"text":"né"}]}\n\ndata: [DONE]\n\n');
      const cut = bytes.indexOf(0xc3) + 1;
      response.write(bytes.subarray(0, cut));
      await new Promise((resolve) => setImmediate(resolve));
      response.end(bytes.subarray(cut));
    });
    const answer = await streamCompletion(server.client(), { ...chat, endpoint: "completions" }, signal);
    expect(answer).toMatchObject({ text: "né", outputTokens: 1, isCounted: true });
  });

  it("fails with the message of an error in mid-stream, and when no token comes", async () => {
    const broken = await start((_request, response) =>
      sendEvents(response, [{ choices: [{ text: "a" }] }, { error: { message: "runner died" } }]),
    );
    await expect(streamCompletion(broken.client(), chat, signal)).rejects.toThrow("runner died");
    const empty = await start((_request, response) => sendEvents(response, ["[DONE]"]));
    await expect(streamCompletion(empty.client(), chat, signal)).rejects.toThrow("without a token");
  });

  it("counts a prompt without streaming", async () => {
    const server = await start((request, response) => {
      expect(request.json).not.toHaveProperty("stream");
      response.end(JSON.stringify({ usage: { prompt_tokens: 42 } }));
    });
    expect(await countPromptTokens(server.client(), chat, signal)).toBe(42);
  });
});

describe("the closed loop", () => {
  it("runs as many at once as there are workers, and counts what fails", async () => {
    let running = 0;
    let most = 0;
    const { results, errors } = await runJobs([1, 2, 3, 4, 5, 6, 7], {
      workers: 3,
      run: async (job) => {
        most = Math.max(most, ++running);
        await new Promise((resolve) => setImmediate(resolve));
        running--;
        if (job === 4) throw new Error("four");
        return job;
      },
      signal,
    });
    expect(most).toBe(3);
    expect(results.toSorted((a, b) => a - b)).toEqual([1, 2, 3, 5, 6, 7]);
    expect(errors).toEqual(["four"]);
  });

  it("throws the signal's reason rather than counting it", async () => {
    const abort = new AbortController();
    const run = (): Promise<never> => {
      abort.abort(new Error("enough"));
      return Promise.reject(new Error("socket closed"));
    };
    await expect(runFor(1000, { workers: 1, run, signal: abort.signal })).rejects.toThrow("enough");
  });
});
