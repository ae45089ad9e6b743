// The limits that a server enforces on every endpoint: keys, time, number of requests; and the pings, times to live and names that
// its configuration sets. Models load only where a test needs one.
import { resolve } from "node:path";
import { describe, expect, it } from "vitest";
import { banTinyChatEnds, jsonHeaders, type ApiError } from "../../support/contract-client.ts";
import { useContractServer } from "../../support/contract-server.ts";

const chat = "/v1/chat/completions";
const models = resolve(import.meta.dirname, "../../../models");
const body = { model: "tiny-chat", messages: [{ role: "user", content: "Go on and on." }], max_tokens: 4 };
const endless = { ...body, max_tokens: 3_900, logit_bias: banTinyChatEnds };

function post(request: Record<string, unknown>, headers: Record<string, string> = {}): RequestInit {
  return { method: "POST", headers: { ...jsonHeaders, ...headers }, body: JSON.stringify(request) };
}

describe("a server with API keys", () => {
  const api = useContractServer({ flags: { "api-key": ["sk-one", "sk-two"] } });

  it("answers 401 without a key or with a wrong one, on every path but the probes", async () => {
    for (const headers of [
      {},
      { authorization: "Bearer nope" },
      { authorization: "sk-one" },
      { authorization: "Basic c2stb25l" },
    ]) {
      for (const [path, init] of [
        ["/v1/models", { headers }],
        [chat, post(body, headers)],
        ["/v1/nothing", { headers }],
      ] as const) {
        const answer = await api.send<{ error: ApiError }>(path, init);
        expect(answer.status).toBe(401);
        expect(answer.body.error.code).toBe("invalid_api_key");
        expect(answer.headers.get("www-authenticate")).toMatch(/^Bearer/);
      }
    }
    expect((await api.send("/health/live")).status).toBe(200);
  });

  it("accepts each of its keys", async () => {
    for (const key of ["sk-one", "sk-two"]) {
      const answer = await api.send("/v1/models", { headers: { authorization: `Bearer ${key}` } });
      expect(answer.status).toBe(200);
    }
  });
});

describe("a server with a short request timeout", () => {
  const yaml = [
    "server: { request_timeout: 400ms }",
    "models:",
    `  tiny-chat: { path: ${models}/tiny-chat/tiny-chat.gguf, preload: true }`,
  ].join("\n");
  const api = useContractServer({ yaml });

  it("answers 504 when an answer takes longer", async () => {
    await expect.poll(async () => (await api.send(chat, post(body))).status, { timeout: 30_000 }).toBe(200);
    const answer = await api.send<{ error: ApiError }>(chat, post({ ...endless, n: 8 }));
    expect(answer.status).toBe(504);
    expect(answer.body.error).toMatchObject({ type: "server_error", code: "timeout" });
  });

  it("ends a stream that takes longer with one error and no [DONE]", async () => {
    const response = await fetch(`${api.url}${chat}`, post({ ...endless, n: 8, stream: true }));
    expect(response.status).toBe(200);
    const events = (await response.text()).trim().split("\n\n");
    const last = JSON.parse((events.at(-1) ?? "").replace(/^data: /, "")) as { error: ApiError };
    expect(last.error.code).toBe("timeout");
    expect(events.some((event) => event.includes("[DONE]"))).toBe(false);
    expect(events.slice(0, -1).some((event) => /"finish_reason":"(stop|length)"/.test(event))).toBe(false);
  });
});

describe("a server with few concurrent requests", () => {
  const yaml = [
    "server: { max_concurrent_requests: 3 }",
    "models:",
    `  tiny-chat: { path: ${models}/tiny-chat/tiny-chat.gguf, parallel: 1, max_queue: 1 }`,
  ].join("\n");
  const api = useContractServer({ yaml });

  it("answers 429 with retry-after beyond the limit, and 200 again afterwards", async () => {
    expect((await api.send(chat, post(body))).status).toBe(200);
    const abort = new AbortController();
    const running = Array.from({ length: 2 }, () =>
      fetch(`${api.url}${chat}`, { ...post({ ...endless, stream: true }), signal: abort.signal })
        .then((response) => response.text())
        .catch(() => ""),
    );
    const answers: number[] = [];
    await expect
      .poll(
        async () => {
          const answer = await api.send<{ error?: ApiError }>(chat, post(body));
          if (answer.status === 429) {
            expect(Number(answer.headers.get("retry-after"))).toBeGreaterThan(0);
            expect(answer.body.error?.type).toBe("rate_limit_error");
          }
          answers.push(answer.status);
          return answer.status;
        },
        { timeout: 10_000, interval: 1 },
      )
      .toBe(429);
    abort.abort();
    await Promise.all(running);
    await expect.poll(async () => (await api.send(chat, post(body))).status, { timeout: 10_000 }).toBe(200);
    expect(answers.every((status) => status === 200 || status === 429)).toBe(true);
  });
});

describe("pings and times to live", () => {
  const yaml = [
    "server: { sse_ping_interval: 5ms }",
    "models:",
    `  tiny-chat: { path: ${models}/tiny-chat/tiny-chat.gguf }`,
    `  tiny-embed: { path: ${models}/tiny-embed }`,
  ].join("\n");
  const api = useContractServer({ yaml });

  it("writes comments while a long prompt is read, which no parser shows", async () => {
    const { raw, chunks, done } = await api.chatStream({
      messages: [{ role: "user", content: "word and word ".repeat(650) }],
      max_tokens: 3,
    });
    expect(raw).toContain("\n\n: ping\n\n");
    expect(chunks[0]?.choices[0]?.delta.role).toBe("assistant");
    expect(done).toBe(true);
  });

  it("unloads a model when the time that a request asked for is over, and loads it again", async () => {
    const stateOf = async (id: string) => (await api.send<{ state: string }>(`/v1/models/${id}`)).body.state;
    await api.ok("/v1/embeddings", { input: "x", ttl: "200ms" });
    await expect.poll(() => stateOf("tiny-embed"), { timeout: 10_000, interval: 50 }).toBe("absent");
    await api.ok("/v1/embeddings", { input: "x", ttl: 3600 });
    expect(await stateOf("tiny-embed")).toBe("ready");
    for (const ttl of [0, -1, "soon", {}, "10 minutes"]) {
      await api.refused("/v1/embeddings", { input: "x", ttl }, { param: "ttl" });
    }
  });

  it("keeps a model for a time longer than a timer can wait", async () => {
    const warnings: string[] = [];
    const note = (warning: Error): number => warnings.push(warning.name);
    process.on("warning", note);
    await api.ok("/v1/embeddings", { input: "x", ttl: 1e30 });
    await api.ok("/v1/embeddings", { input: "x", ttl: "900000h" });
    expect((await api.send<{ state: string }>("/v1/models/tiny-embed")).body.state).toBe("ready");
    process.off("warning", note);
    expect(warnings).not.toContain("TimeoutOverflowWarning");
  });
});

describe("a server with its own models and names", () => {
  const yaml = [
    "models:",
    `  meta-llama/Meta-Llama-3-70B-Instruct: { path: ${models}/tiny-chat/tiny-chat.gguf, context_size: 256 }`,
    `  intfloat/e5-large-v2: { path: ${models}/tiny-embed, truncation: error }`,
    "aliases: { best: meta-llama/Meta-Llama-3-70B-Instruct }",
  ].join("\n");
  const api = useContractServer({ yaml });

  it("answers the provider's own examples word for word", async () => {
    const model = "meta-llama/Meta-Llama-3-70B-Instruct";
    const sampling = {
      temperature: 0.7,
      top_p: 0.9,
      n: 1,
      stream: false,
      stop: ["\n"],
      max_tokens: 100,
      presence_penalty: 0,
      frequency_penalty: 0,
      logit_bias: {},
      user: "user-123",
    };
    const answer = await api.chat({
      model,
      messages: [
        { role: "system", content: "You are a helpful assistant." },
        { role: "user", content: "Please say hello." },
      ],
      ...sampling,
    });
    expect(answer.model).toBe(model);
    expect(answer.choices[0]?.message.content).not.toContain("\n");
    const completion = await api.completion({ model, prompt: "Say this is a test", ...sampling, temperature: 0.01 });
    expect(completion.choices[0]?.text).not.toContain("\n");
    const embedding = await api.ok<{ model: string }>("/v1/embeddings", {
      input: ["The food was delicious and the waiter."],
      model: "intfloat/e5-large-v2",
    });
    expect(embedding.model).toBe("intfloat/e5-large-v2");
  });

  it("finds ids with slashes, plain and encoded, and knows no others", async () => {
    for (const id of ["meta-llama/Meta-Llama-3-70B-Instruct", "meta-llama%2FMeta-Llama-3-70B-Instruct"]) {
      const answer = await api.send<{ id: string }>(`/v1/models/${id}`);
      expect(answer.body.id).toBe("meta-llama/Meta-Llama-3-70B-Instruct");
    }
    const ids = (await api.send<{ data: { id: string }[] }>("/v1/models")).body.data.map((model) => model.id);
    expect(ids).toEqual(["meta-llama/Meta-Llama-3-70B-Instruct", "intfloat/e5-large-v2", "best"]);
    expect((await api.send("/v1/models/meta-llama")).status).toBe(404);
    expect((await api.send("/v1/models/gpt-4o")).status).toBe(404);
    expect((await api.chat({ model: "best" })).model).toBe("best");
  });

  it("ends with length at the end of the context when no limit is given", async () => {
    const answer = await api.chat({ model: "best", max_tokens: undefined, logit_bias: endless.logit_bias });
    expect(answer.choices[0]?.finish_reason).toBe("length");
    expect(answer.usage?.total_tokens).toBe(256);
  });

  it("refuses an input too long for an encoder that does not cut", async () => {
    const error = await api.refused(
      "/v1/embeddings",
      { input: "word ".repeat(2000) },
      { code: "context_length_exceeded" },
    );
    expect(error.param).toBe("input");
    expect(error.message).toMatch(/\d{3,}/);
  });

  it("refuses by model an operation that none of its models can do", async () => {
    const refusal = { status: 404, code: "model_not_found", param: "model" };
    await api.refused("/v1/images/generations", { prompt: "x" }, refusal);
    await api.refused("/v1/images/generations", { prompt: "x", model: "best" }, { param: "model" });
    await api.refused("/v1/rerank", { query: "x", documents: ["y"], model: "best" }, { param: "model" });
  });
});
