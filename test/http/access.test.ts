// Refused callers: by API key, host, origin, and number of requests at once.
import { describe, expect, it } from "vitest";
import { createTestApp } from "../support/http-app.ts";

describe("API keys", () => {
  const { app } = createTestApp({ settings: { apiKeys: ["sk-one", "sk-two"] } });
  const ask = (authorization?: string) =>
    app.request("/v1/models", authorization === undefined ? {} : { headers: { authorization } });

  it("are required where any are configured", async () => {
    const response = await ask();
    expect(response.status).toBe(401);
    expect(response.headers.get("www-authenticate")).toBe("Bearer");
    expect(await response.json()).toMatchObject({ error: { type: "invalid_request_error", code: "invalid_api_key" } });
  });

  it("are accepted when right and refused when wrong", async () => {
    expect((await ask("Bearer sk-two")).status).toBe(200);
    expect((await ask("bearer sk-one")).status).toBe(200);
    expect((await ask("Bearer sk-three")).status).toBe(401);
    expect((await ask("Basic sk-one")).status).toBe(401);
  });

  it("are not required for the health probes, but for the alias /health", async () => {
    expect((await app.request("/health/live")).status).toBe(200);
    expect((await app.request("/health/ready")).status).not.toBe(401);
    expect((await app.request("/health")).status).toBe(401);
  });
});

describe("hosts and origins", () => {
  const { app } = createTestApp();
  const ask = (headers: Record<string, string>) => app.request("/v1/models", { headers });

  it("answers to its own name and to any IP address, and refuses any other host name", async () => {
    expect((await ask({ host: "localhost:8484" })).status).toBe(200);
    expect((await ask({ host: "192.168.1.5:8484" })).status).toBe(200);
    expect((await ask({ host: "[::1]:8484" })).status).toBe(200);
    expect((await ask({ host: "evil.example" })).status).toBe(403);
  });

  it("lets pages of allowed origins and of this machine call, and no others", async () => {
    const allowed = await ask({ origin: "https://app.example" });
    expect(allowed.status).toBe(200);
    expect(allowed.headers.get("access-control-allow-origin")).toBe("https://app.example");
    expect((await ask({ origin: "http://localhost:3000" })).status).toBe(200);
    expect((await ask({ origin: "https://evil.example" })).status).toBe(403);
    expect((await ask({ origin: "null" })).status).toBe(403);
  });

  it("answers a preflight", async () => {
    const response = await app.request("/v1/chat/completions", {
      method: "OPTIONS",
      headers: {
        origin: "http://localhost:3000",
        "access-control-request-method": "POST",
        "access-control-request-headers": "authorization, content-type",
      },
    });
    expect(response.status).toBe(204);
    expect(response.headers.get("access-control-allow-headers")).toBe("authorization, content-type");
    expect(response.headers.get("access-control-allow-origin")).toBe("http://localhost:3000");
  });
});

describe("the limit of concurrent requests", () => {
  it("refuses one more with 429, and still answers a probe", async () => {
    let release: () => void = () => {};
    const { app, post } = createTestApp({
      settings: { maxConcurrentRequests: 1 },
      script: {
        async *embedding() {
          await new Promise<void>((resolve) => {
            release = resolve;
          });
          yield {
            vectors: new Float32Array([1]),
            dimensions: 1,
            promptTokens: 1,
            timings: { queueMs: 0, tokenizeMs: 0, inferenceMs: 0 },
          };
        },
      },
    });
    const first = post("/v1/embeddings", { model: "embed", input: "x" });
    await new Promise((resolve) => setImmediate(resolve));
    const second = await post("/v1/embeddings", { model: "embed", input: "x" });
    expect(second.status).toBe(429);
    expect(second.headers.get("retry-after")).toBe("1");
    expect((await app.request("/health/live")).status).toBe(200);
    release();
    expect((await first).status).toBe(200);
    expect((await app.request("/v1/models")).status).toBe(200);
  });
});

describe("administration", () => {
  const from = (address: string) => ({
    incoming: { socket: { remoteAddress: address, remotePort: 1, remoteFamily: "x" } },
  });

  it("is for programs of the own machine where no key is asked for", async () => {
    const { app } = createTestApp();
    for (const address of ["127.0.0.1", "127.1.2.3", "::1", "::ffff:127.0.0.1"]) {
      expect((await app.request("/admin/models", {}, from(address))).status).toBe(200);
    }
    for (const address of ["192.168.1.5", "::ffff:10.0.0.1", "fe80::1", "2001:db8::1"]) {
      expect((await app.request("/admin/models", {}, from(address))).status).toBe(403);
    }
    expect((await app.request("/admin/models")).status).toBe(403);
    expect((await app.request("/v1/models", {}, from("192.168.1.5"))).status).toBe(200);
  });

  it("is for who has a key where one is asked for", async () => {
    const { app } = createTestApp({ settings: { apiKeys: ["sk-one"] } });
    const headers = { authorization: "Bearer sk-one" };
    expect((await app.request("/admin/models", { headers }, from("192.168.1.5"))).status).toBe(200);
    expect((await app.request("/admin/models", {}, from("127.0.0.1"))).status).toBe(401);
  });
});
