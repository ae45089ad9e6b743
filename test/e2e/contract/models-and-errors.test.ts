// The model list, health, and the shape of every error.
import { describe, expect, it } from "vitest";
import { jsonHeaders } from "../../support/contract-client.ts";
import { useContractServer } from "../../support/contract-server.ts";
import { documentFaults } from "../../support/contract-document.ts";
import { openAiDocument } from "../../unit/wire/support/openai-document.ts";

const api = useContractServer({ flags: { "body-limit": ["200KB"] } });
const chat = "/v1/chat/completions";
const posts = ["/v1/chat/completions", "/v1/completions", "/v1/embeddings", "/v1/images/generations"];

interface ModelEntry {
  readonly id: string;
  readonly object: string;
  readonly created: number;
  readonly owned_by: string;
}

function post(path: string, body: string, headers: Record<string, string> = jsonHeaders) {
  return api.send<{ error: { code: string | null; param: string | null; message: string; type: string } }>(path, {
    method: "POST",
    headers,
    body,
  });
}

describe("the check of every answer against OpenAI's document", () => {
  it.skipIf(!openAiDocument.isMet)(`finds what is missing and what is wrong${openAiDocument.note}`, () => {
    expect(documentFaults({ object: "list", data: [{ object: "model", id: 5 }] })).not.toEqual([]);
    expect(documentFaults({ error: { message: "No." } })).not.toEqual([]);
  });
});

describe("models", () => {
  it("lists every model and alias in OpenAI's shape", async () => {
    const answer = await api.send<{ object: string; data: ModelEntry[] }>("/v1/models");
    expect(answer.status).toBe(200);
    expect(documentFaults(answer.body)).toEqual([]);
    expect(answer.body.object).toBe("list");
    const ids = answer.body.data.map((model) => model.id);
    expect(ids).toEqual(expect.arrayContaining(["tiny-chat", "tiny-embed", "tiny-image", "gpt-4o-mini", "dall-e-3"]));
    expect(new Set(ids).size).toBe(ids.length);
    for (const model of answer.body.data) {
      expect(model.object).toBe("model");
      expect(Number.isInteger(model.created)).toBe(true);
      expect(model.created).toBeGreaterThan(1_500_000_000);
      expect(model.owned_by).not.toBe("");
    }
  });

  it("retrieves each of them, aliases under their own name", async () => {
    for (const id of ["tiny-chat", "tiny-embed", "tiny-image", "gpt-4o-mini", "text-embedding-ada-002"]) {
      const answer = await api.send<ModelEntry>(`/v1/models/${id}`);
      expect(answer.status).toBe(200);
      expect(answer.body).toMatchObject({ id, object: "model" });
      expect(documentFaults(answer.body)).toEqual([]);
    }
  });

  it("reads a percent-encoded id", async () => {
    expect((await api.send<ModelEntry>("/v1/models/tiny%2Dchat")).body.id).toBe("tiny-chat");
    expect((await api.send("/v1/models/%ff%fe")).status).toBe(404);
    expect((await api.send("/v1/models/%")).status).toBe(404);
  });

  it.each(["nobody", "org/model", "tiny-chat/x", "__proto__", "constructor", "toString", "Tiny-Chat"])(
    "says 404 model_not_found for %s",
    async (id) => {
      const answer = await api.send<{ error: { code: string; message: string } }>(`/v1/models/${id}`);
      expect(answer.status).toBe(404);
      expect(answer.body.error.code).toBe("model_not_found");
      expect(answer.body.error.message).toContain(id);
    },
  );

  it("answers HEAD as GET without a body", async () => {
    const answer = await api.send("/v1/models", { method: "HEAD" });
    expect(answer.status).toBe(200);
    expect(answer.text).toBe("");
    expect(answer.headers.get("content-type")).toMatch(/^application\/json/);
  });
});

describe("health", () => {
  it.each(["/health/live", "/health/ready", "/health"])("%s is ok", async (path) => {
    const answer = await api.send<{ status: string }>(path);
    expect(answer.status).toBe(200);
    expect(answer.body.status).toBe("ok");
  });
});

describe("an unknown model", () => {
  it.each([
    [chat, { messages: [{ role: "user", content: "x" }] }],
    ["/v1/completions", { prompt: "x" }],
    ["/v1/embeddings", { input: "x" }],
    ["/v1/images/generations", { prompt: "x" }],
  ])("is 404 model_not_found naming model at %s", async (path, body) => {
    for (const model of ["nobody", "__proto__", "constructor", "gpt-99", "a/b/c"]) {
      const error = await api.refused(
        path,
        { model, ...body },
        { status: 404, code: "model_not_found", param: "model" },
      );
      expect(error.type).toBe("invalid_request_error");
      expect(error.message).toContain(model);
    }
  });

  it("of the wrong kind is refused by name, not served by another", async () => {
    await api.refused(chat, { model: "tiny-image", messages: [{ role: "user", content: "x" }] }, { param: "model" });
    await api.refused("/v1/completions", { model: "tiny-embed", prompt: "x" }, { param: "model" });
    await api.refused("/v1/images/generations", { model: "tiny-chat", prompt: "x" }, { param: "model" });
  });
});

describe("bodies", () => {
  it.each(["{", "", " ", '{"a":', "nope", "{'a':1}", '{"model":"tiny-chat",}', "\u0000"])(
    "that are no JSON are 400: %j",
    async (body) => {
      for (const path of posts) {
        const answer = await post(path, body);
        expect(answer.status).toBe(400);
        expect(answer.body.error).toMatchObject({ type: "invalid_request_error", param: null });
      }
    },
  );

  it.each(["[]", "5", '"x"', "null", "true"])("that are JSON but no object are 400: %s", async (body) => {
    for (const path of posts) expect((await post(path, body)).status).toBe(400);
  });

  it("of another media type are 415", async () => {
    for (const type of [
      "text/plain",
      "application/xml",
      "application/x-www-form-urlencoded",
      "multipart/form-data; boundary=x",
    ]) {
      const answer = await post(chat, "{}", { "content-type": type });
      expect(answer.status, type).toBe(415);
      expect(answer.body.error.code).toBe("unsupported_media_type");
    }
  });

  it("may say a charset, and JSON in any letter case", async () => {
    const body = JSON.stringify({ input: "x" });
    for (const type of ["application/json; charset=utf-8", "Application/JSON", "application/json;charset=UTF-8"]) {
      expect((await post("/v1/embeddings", body, { "content-type": type })).status).toBe(200);
    }
  });

  it("over the limit are 413, whether declared or chunked", async () => {
    const body = JSON.stringify({ model: "tiny-chat", messages: [{ role: "user", content: "x".repeat(300_000) }] });
    const declared = await post(chat, body);
    expect(declared.status).toBe(413);
    expect(declared.body.error.message).toContain("200000");
    const chunked = new ReadableStream<Uint8Array>({
      start(controller) {
        for (let from = 0; from < body.length; from += 50_000)
          controller.enqueue(Buffer.from(body.slice(from, from + 50_000)));
        controller.close();
      },
    });
    const answer = await api.send(chat, {
      method: "POST",
      headers: jsonHeaders,
      body: chunked,
      duplex: "half",
    });
    expect(answer.status).toBe(413);
  });

  it("that come in chunks are read whole", async () => {
    const pieces = ['{"inp', 'ut":"h', "allö", ' w"}'].map((text) => Buffer.from(text));
    const stream = new ReadableStream<Uint8Array>({
      start(controller) {
        for (const piece of pieces) controller.enqueue(piece);
        controller.close();
      },
    });
    const init = { method: "POST", headers: jsonHeaders, body: stream, duplex: "half" } as const;
    expect((await api.send("/v1/embeddings", init)).status).toBe(200);
  });

  it("with a byte order mark are read", async () => {
    expect((await post("/v1/embeddings", '\uFEFF{"input":"x"}')).status).toBe(200);
  });
});

describe("paths and methods", () => {
  it.each([
    "/",
    "/v1",
    "/v1/",
    "/v1/nothing",
    "/v2/models",
    "/v1/models/",
    "/v1/chat",
    "/v1/chat/completions/x",
    "/..%2f..%2fetc/passwd",
    "//v1/models",
  ])("%s is 404 in OpenAI's shape, but / is 200", async (path) => {
    const answer = await api.send<{ error?: { type: string } }>(path);
    if (path === "/") expect(answer.status).toBe(200);
    else {
      expect(answer.status).toBe(404);
      expect(answer.body.error?.type).toBe("invalid_request_error");
    }
  });

  it("a wrong method is 405 with allow", async () => {
    for (const path of posts) {
      for (const method of ["GET", "PUT", "DELETE", "PATCH"]) {
        const answer = await api.send(path, { method });
        expect(answer.status, `${method} ${path}`).toBe(405);
        expect(answer.headers.get("allow")).toContain("POST");
      }
    }
    for (const path of ["/v1/models", "/v1/models/tiny-chat", "/health/live"]) {
      const answer = await api.send(path, { method: "POST", headers: jsonHeaders, body: "{}" });
      expect(answer.status).toBe(405);
      expect(answer.headers.get("allow")).toContain("GET");
    }
  });

  it("OPTIONS names the methods", async () => {
    const answer = await api.send(chat, { method: "OPTIONS" });
    expect(answer.status).toBe(204);
    expect(answer.headers.get("allow")).toContain("POST");
  });
});

describe("headers", () => {
  it("keeps a well-formed x-request-id of the caller and replaces any other", async () => {
    const own = await api.send("/v1/models", { headers: { "x-request-id": "my-id_1.2:3" } });
    expect(own.headers.get("x-request-id")).toBe("my-id_1.2:3");
    const odd = await api.send("/v1/models", { headers: { "x-request-id": "a b<script>" } });
    expect(odd.headers.get("x-request-id")).toMatch(/^req_\w+$/);
  });

  it("says how long a request took, as OpenAI does", async () => {
    const answer = await post("/v1/embeddings", '{"input":"x"}');
    expect(Number(answer.headers.get("openai-processing-ms"))).toBeGreaterThanOrEqual(0);
    expect(answer.headers.get("openai-processing-ms")).not.toBeNull();
  });

  it("takes any API key where none is asked for", async () => {
    const answer = await api.send("/v1/models", {
      headers: { authorization: "Bearer sk-whatever", "openai-organization": "x" },
    });
    expect(answer.status).toBe(200);
  });

  it("answers a page that this machine serves, and refuses another", async () => {
    const preflight = await api.send(chat, {
      method: "OPTIONS",
      headers: {
        origin: "http://localhost:3000",
        "access-control-request-method": "POST",
        "access-control-request-headers": "authorization,content-type,x-stainless-lang",
      },
    });
    expect(preflight.status).toBe(204);
    expect(preflight.headers.get("access-control-allow-origin")).toBe("http://localhost:3000");
    expect(preflight.headers.get("access-control-allow-methods")).toContain("POST");
    expect(preflight.headers.get("access-control-allow-headers")).toContain("authorization");
    const get = await api.send("/v1/models", { headers: { origin: "http://127.0.0.1:5173" } });
    expect(get.headers.get("access-control-allow-origin")).toBe("http://127.0.0.1:5173");
    expect(get.headers.get("access-control-expose-headers")).toContain("x-request-id");
    expect(get.headers.get("vary")?.toLowerCase()).toContain("origin");
    const error = await post(chat, "{}", { ...jsonHeaders, origin: "http://localhost:3000" });
    expect(error.status).toBe(400);
    expect(error.headers.get("access-control-allow-origin")).toBe("http://localhost:3000");
    const stranger = await api.send("/v1/models", { headers: { origin: "https://evil.example" } });
    expect(stranger.status).toBe(403);
  });
});
