// A further dialect, added as a real one would be: a `Dialect` value and one group of routes.
import { describe, expect, it } from "vitest";
import { ServerError } from "../../src/domain/errors.ts";
import { readRequest, start, streamResponse } from "../../src/http/endpoint.ts";
import type { RouteGroup } from "../../src/http/route-table.ts";
import type { RequestContract } from "../../src/wire/contract/contract.ts";
import { renameParam } from "../../src/wire/contract/param-names.ts";
import type { Dialect } from "../../src/wire/dialect.ts";
import { embeddingContract, type EmbeddingRequestWire } from "../../src/wire/openai/embeddings/contract.ts";
import { createTestApp, type TestAppOptions } from "../support/http-app.ts";

const plain: Dialect = {
  errorBody: ({ kind, message, param }) => ({ fault: { kind, message, about: param ?? "nothing" } }),
  streamError: (error) => ({ event: "fault", data: JSON.stringify(plain.errorBody(error)) }),
  streamEnd: [{ event: "end", data: "{}" }],
  apiKeyHeader: "x-plain-key",
};

/** Borrowed from embeddings: the text to continue is in its field `input`. */
const contract: RequestContract<EmbeddingRequestWire> = embeddingContract;

const plainRoutes: RouteGroup = {
  dialect: plain,
  register(app, deps) {
    const { inference, settings } = deps;
    app.post("/plain/continue/:mode", async (context) => {
      const body = await readRequest(context, { contract, settings });
      const running = await start(context, {
        inference,
        operation: "completion",
        body,
        request: {
          prompts: [String(body.input)],
          echo: false,
          n: 1,
          bestOf: 1,
          topLogprobs: null,
          constraint: { type: "text" },
          sampling: {},
          limits: { stop: [] },
        },
        toParam: (path) => renameParam(path, { prompts: "opening", "prompts[]": "opening" }),
      });
      return streamResponse(context, {
        running,
        toEvents: (event) =>
          event.type === "text-delta" ? [{ event: "piece", data: JSON.stringify(event.text) }] : [],
        dialect: plain,
        deps,
      });
    });
  },
};

const path = "/plain/continue/fast";
const body = { model: "org/chat", input: "hello" };

function createPlainApp(options: TestAppOptions = {}) {
  return createTestApp({ ...options, routes: [plainRoutes] });
}

describe("a further dialect", () => {
  it("streams its own events and its own end", async () => {
    const { post } = createPlainApp({
      script: {
        async *completion() {
          yield { type: "accepted", promptTokens: 1 };
          yield { type: "text-delta", choice: 0, text: "hello" };
        },
      },
    });
    expect(await (await post(path, body)).text()).toBe('event: piece\ndata: "hello"\n\nevent: end\ndata: {}\n\n');
  });

  it("tells a failure in mid-stream in its own words, with its own name of the field, and ends there", async () => {
    const { post } = createPlainApp({
      script: {
        async *completion() {
          yield { type: "accepted", promptTokens: 1 };
          throw new ServerError("model_crashed", { message: "prompts[0] was too much", param: "prompts[0]" });
        },
      },
    });
    const fault = { fault: { kind: "model_crashed", message: "opening was too much", about: "opening" } };
    expect(await (await post(path, body)).text()).toBe(`event: fault\ndata: ${JSON.stringify(fault)}\n\n`);
  });

  it.each<[string, number, TestAppOptions, (post: ReturnType<typeof createPlainApp>["post"]) => Promise<Response>]>([
    ["invalid_api_key", 401, { settings: { apiKeys: ["sk-one"] } }, (post) => post(path, body)],
    ["forbidden", 403, {}, (post) => post(path, body, { headers: { host: "evil.example" } })],
    ["model_not_found", 404, {}, (post) => post(path, { ...body, model: "nobody" })],
    ["method_not_allowed", 405, {}, (post) => post(path, body, { method: "PUT" })],
    ["body_too_large", 413, {}, (post) => post(path, { ...body, input: "x".repeat(20_000) })],
    ["unsupported_media_type", 415, {}, (post) => post(path, body, { headers: { "content-type": "text/plain" } })],
    ["invalid_json", 400, {}, (post) => post(path, "{oops")],
    ["missing_parameter", 400, {}, (post) => post(path, { model: "org/chat" })],
    [
      "internal",
      500,
      {
        script: {
          completion() {
            throw new Error("secret");
          },
        },
      },
      (post) => post(path, body),
    ],
  ])("answers %s in its own shape, with the status %d that the kind has in every dialect", async (...row) => {
    const [kind, status, options, ask] = row;
    const response = await ask(createPlainApp(options).post);
    expect(response.status).toBe(status);
    const answer = (await response.json()) as { fault: { kind: string; about: string } };
    expect(Object.keys(answer)).toEqual(["fault"]);
    expect(answer.fault.kind).toBe(kind);
  });

  it("answers in its own shape when the server is full", async () => {
    let release: () => void = () => {};
    const { post } = createPlainApp({
      settings: { maxConcurrentRequests: 1 },
      script: {
        async *completion() {
          await new Promise<void>((resolve) => {
            release = resolve;
          });
          yield { type: "accepted", promptTokens: 1 };
        },
      },
    });
    const first = post(path, body);
    await new Promise((resolve) => setImmediate(resolve));
    const second = await post(path, body);
    expect(second.status).toBe(429);
    expect(await second.json()).toMatchObject({ fault: { kind: "overloaded" } });
    release();
    await (await first).text();
  });

  it("takes the key from its own header as well as from the one of all dialects", async () => {
    const { post, app } = createPlainApp({ settings: { apiKeys: ["sk-one"] } });
    const withKey = (headers: Record<string, string>) => post(path, { ...body, model: "nobody" }, { headers });
    expect((await withKey({ "x-plain-key": "sk-one" })).status).toBe(404);
    expect((await withKey({ authorization: "Bearer sk-one" })).status).toBe(404);
    expect((await withKey({ "x-plain-key": "sk-two" })).status).toBe(401);
    expect((await app.request("/v1/models", { headers: { "x-plain-key": "sk-one" } })).status).toBe(401);
  });

  it("leaves the server's own paths, and unknown ones, to OpenAI's shape", async () => {
    const { app, post } = createPlainApp();
    expect(await (await post("/v1/embeddings", "{oops")).json()).toMatchObject({ error: { code: "invalid_json" } });
    expect(await (await app.request("/plain/nothing")).json()).toMatchObject({ error: { code: "unknown_url" } });
  });
});
