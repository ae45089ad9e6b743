// Every error in OpenAI's shape, with its status, and without internals of the server.
import { describe, expect, it } from "vitest";
import { ServerError, type ErrorKind } from "../../src/domain/errors.ts";
import { errorStatus } from "../../src/http/error-response.ts";
import { errorWords } from "../../src/wire/openai/shared/error.ts";
import { createFakeBackend } from "../support/fake-backend.ts";
import { createTestApp } from "../support/http-app.ts";

const chat = { model: "org/chat", messages: [{ role: "user", content: "hi" }] };

async function errorOf(response: Response): Promise<Record<string, unknown>> {
  const { error } = (await response.json()) as { error: Record<string, unknown> };
  expect(Object.keys(error).sort()).toEqual(["code", "message", "param", "type"]);
  return error;
}

describe("errors", () => {
  it("refuses a body that is no JSON", async () => {
    const response = await createTestApp().post("/v1/chat/completions", "{oops");
    expect(response.status).toBe(400);
    expect(await errorOf(response)).toMatchObject({ type: "invalid_request_error", param: null });
  });

  it("refuses an empty body and a body that is no object", async () => {
    for (const body of ["", "[]", "3", "null"]) {
      expect((await createTestApp().post("/v1/chat/completions", body)).status).toBe(400);
    }
  });

  it("names the parameter that is wrong", async () => {
    const response = await createTestApp().post("/v1/chat/completions", { ...chat, temperature: "hot" });
    expect(response.status).toBe(400);
    expect(await errorOf(response)).toMatchObject({ type: "invalid_request_error", param: "temperature" });
  });

  it("answers 404 model_not_found for an unknown model, naming those there are", async () => {
    const response = await createTestApp().post("/v1/chat/completions", { ...chat, model: "nobody" });
    expect(response.status).toBe(404);
    const error = await errorOf(response);
    expect(error).toMatchObject({ code: "model_not_found", param: "model" });
    expect(error["message"]).toContain("org/chat");
  });

  it("refuses an operation that the model's kind cannot do, naming models that can", async () => {
    const response = await createTestApp().post("/v1/embeddings", { model: "org/chat", input: "x" });
    expect(response.status).toBe(400);
    expect((await errorOf(response))["message"]).toContain("'embed'");
  });

  it("answers 404 for an unknown path and 405 with allow for a wrong method", async () => {
    const { app } = createTestApp();
    const unknown = await app.request("/v1/nothing");
    expect(unknown.status).toBe(404);
    expect(await errorOf(unknown)).toMatchObject({ code: "unknown_url" });
    const wrong = await app.request("/v1/chat/completions");
    expect(wrong.status).toBe(405);
    expect(wrong.headers.get("allow")).toBe("OPTIONS, POST");
    await errorOf(wrong);
    const models = await app.request("/v1/models/org/chat", { method: "DELETE" });
    expect(models.status).toBe(405);
    expect(models.headers.get("allow")).toBe("GET, HEAD, OPTIONS");
  });

  it("refuses a body over the limit, declared or not", async () => {
    const { app } = createTestApp();
    const body = JSON.stringify({ ...chat, user: "x".repeat(20_000) });
    const declared = await app.request("/v1/chat/completions", {
      method: "POST",
      body,
      headers: { "content-type": "application/json", "content-length": String(body.length) },
    });
    expect(declared.status).toBe(413);
    await errorOf(declared);
    const stream = new ReadableStream({
      start(controller) {
        controller.enqueue(new TextEncoder().encode(body));
        controller.close();
      },
    });
    const init: RequestInit & { duplex: "half" } = {
      method: "POST",
      body: stream,
      duplex: "half",
      headers: { "content-type": "application/json" },
    };
    const streamed = await app.request("/v1/chat/completions", init);
    expect(streamed.status).toBe(413);
  });

  it("refuses another media type, and takes JSON with a charset or none at all", async () => {
    const { app, post } = createTestApp();
    const wrong = await post("/v1/chat/completions", chat, { headers: { "content-type": "text/plain" } });
    expect(wrong.status).toBe(415);
    await errorOf(wrong);
    const charset = await post(
      "/v1/chat/completions",
      { model: "nobody", messages: chat.messages },
      {
        headers: { "content-type": "application/json; charset=utf-8" },
      },
    );
    expect(charset.status).toBe(404);
    const none = await app.request("/v1/chat/completions", {
      method: "POST",
      body: new TextEncoder().encode(JSON.stringify({ ...chat, model: "nobody" })),
    });
    expect(none.status).toBe(404);
  });

  it("passes a backend's refusal on with its status, and says when to retry", async () => {
    const { post } = createTestApp({
      script: {
        chat() {
          throw new ServerError("overloaded", { message: "the queue is full", retryAfterSeconds: 2.5 });
        },
      },
    });
    const response = await post("/v1/chat/completions", chat);
    expect(response.status).toBe(429);
    expect(response.headers.get("retry-after")).toBe("3");
    expect(await errorOf(response)).toMatchObject({ type: "rate_limit_error", message: "the queue is full" });
  });

  it("names the field that a backend refuses as the caller wrote it, in the parameter and in the sentence", async () => {
    const refuse = (param: string) => (): never => {
      throw new ServerError("invalid_value", { message: `Invalid value for '${param}'.`, param });
    };
    const { post } = createTestApp({
      script: {
        chat: refuse("tools[0].parameters"),
        "apply-template": refuse("templateKwargs.messages"),
        completion: refuse("prompts[1]"),
        embedding: refuse("inputs[0][1]"),
        rerank: refuse("documents[0]"),
        image: refuse("guidanceScale"),
      },
    });
    const asked: readonly [path: string, body: Record<string, unknown>, param: string][] = [
      [
        "/v1/chat/completions",
        { ...chat, tools: [{ type: "function", function: { name: "f" } }] },
        "tools[0].function.parameters",
      ],
      ["/v1/chat/completions", { ...chat, functions: [{ name: "f" }] }, "functions[0].parameters"],
      ["/apply-template", chat, "chat_template_kwargs.messages"],
      ["/v1/completions", { model: "org/chat", prompt: ["a", "b"] }, "prompt[1]"],
      ["/v1/embeddings", { model: "embed", input: [1, 2] }, "input[1]"],
      ["/v1/rerank", { model: "rank", query: "q", documents: ["d"] }, "documents[0]"],
      ["/v1/images/generations", { model: "draw", prompt: "p" }, "guidance_scale"],
    ];
    for (const [path, body, param] of asked) {
      const error = await errorOf(await post(path, body));
      expect(error).toMatchObject({ param, message: `Invalid value for '${param}'.` });
    }
  });

  it("answers 503 with the reason when the model fails to load", async () => {
    const { post } = createTestApp({
      acquire: () => Promise.reject(new ServerError("model_load_failed", "the file is broken")),
    });
    const response = await post("/v1/chat/completions", chat);
    expect(response.status).toBe(503);
    expect(await errorOf(response)).toMatchObject({ message: "the file is broken", code: "model_load_failed" });
  });

  it("answers a fault of the server with nothing but the request id, and logs that id with the cause", async () => {
    const { post, logged } = createTestApp({
      script: {
        chat() {
          throw new Error("secret /etc/passwd");
        },
      },
    });
    const response = await post("/v1/chat/completions", chat);
    expect(response.status).toBe(500);
    const id = response.headers.get("x-request-id") as string;
    const error = await errorOf(response);
    expect(error["message"]).toContain(id);
    expect(JSON.stringify(error)).not.toContain("secret");
    expect(logged.some(({ level, facts }) => level === "error" && JSON.stringify(facts).includes(id))).toBe(true);
  });

  it("gives every answer an x-request-id, the caller's own where it is well-formed", async () => {
    const { app, post } = createTestApp();
    for (const response of [
      await app.request("/v1/models"),
      await app.request("/nothing"),
      await post("/v1/embeddings", "{"),
    ]) {
      expect(response.headers.get("x-request-id")).toBe("req_0123456789abcdef0123456789abcdef");
    }
    const own = await app.request("/v1/models", { headers: { "x-request-id": "mine-1" } });
    expect(own.headers.get("x-request-id")).toBe("mine-1");
    const malformed = await app.request("/v1/models", { headers: { "x-request-id": "a b" } });
    expect(malformed.headers.get("x-request-id")).not.toBe("a b");
  });

  it("releases the lease whatever goes wrong", async () => {
    const failing = createTestApp({
      acquire: () =>
        Promise.resolve(
          createFakeBackend({
            async *chat() {
              yield { type: "accepted", promptTokens: 1 };
              throw new ServerError("model_crashed", "gone");
            },
          }),
        ),
    });
    expect((await failing.post("/v1/chat/completions", chat)).status).toBe(503);
    expect((await failing.post("/v1/chat/completions", { ...chat, stream: true })).status).toBe(200);
    await new Promise((resolve) => setImmediate(resolve));
    const broken = createTestApp({ description: { operations: ["embedding"] } });
    expect((await broken.post("/v1/chat/completions", chat)).status).toBe(400);
    expect(broken.leases()).toBe(0);
  });

  it("has a status for every kind, of the class that its type says", () => {
    for (const [kind, { type }] of Object.entries(errorWords)) {
      const status = errorStatus[kind as ErrorKind];
      const isOurs = type === "server_error" && kind !== "cancelled";
      expect(status >= 500, kind).toBe(isOurs);
    }
  });
});
