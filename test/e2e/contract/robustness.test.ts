// Hostile, broken and odd requests: the server never crashes, never answers 500, and serves the next caller as ever.
import { connect, type Socket } from "node:net";
import { describe, expect, it } from "vitest";
import { expectErrorShape, jsonHeaders } from "../../support/contract-client.ts";
import { useContractServer } from "../../support/contract-server.ts";

const api = useContractServer();
const chat = "/v1/chat/completions";

/** Sends raw bytes and reads until the server closes or `until` is seen. */
async function raw(text: string | readonly string[], until: RegExp = /never/): Promise<string> {
  const { hostname, port } = new URL(api.url);
  const socket: Socket = connect(Number(port), hostname);
  let received = "";
  const ended = new Promise<void>((resolve) => {
    socket.on("data", (bytes: Buffer) => {
      received += bytes.toString("latin1");
      if (until.test(received)) resolve();
    });
    socket.on("close", () => resolve());
    socket.on("error", () => resolve());
  });
  for (const piece of typeof text === "string" ? [text] : text) {
    socket.write(piece, "latin1");
    await new Promise((resolve) => setImmediate(resolve));
  }
  await ended;
  socket.destroy();
  return received;
}

async function expectAlive(): Promise<void> {
  expect((await api.send("/health/live")).status).toBe(200);
  expect((await api.chat({ max_tokens: 1 })).choices).toHaveLength(1);
}

function post(path: string, body: string) {
  return api.send<{ error?: { code: string | null } }>(path, { method: "POST", headers: jsonHeaders, body });
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

/** Either the number is accepted, or the refusal names the field; a number that JSON does not have makes the body invalid JSON. */
function expectValueOrRefusal(
  answer: Awaited<ReturnType<typeof post>>,
  { number, field }: { number: string; field: string },
): void {
  const detail = `${field}: ${answer.text}`;
  if (answer.status === 200) {
    expect(Number.isFinite(Number(number)), detail).toBe(true);
    return;
  }
  expect(answer.status, detail).toBe(400);
  const expected = isJson(number) ? { param: field } : { param: null, code: "invalid_json" };
  expect(answer.body.error, detail).toMatchObject(expected);
}

describe("odd JSON", () => {
  const message = (content: string): string =>
    `{"model":"tiny-chat","max_tokens":2,"messages":[{"role":"user","content":${content}}]}`;

  it.each([
    ["deep arrays", "[".repeat(50_000) + "]".repeat(50_000)],
    ["deep objects", '{"a":'.repeat(20_000) + "1" + "}".repeat(20_000)],
    ["an unclosed depth", "[".repeat(100_000)],
  ])("%s are refused wherever they stand", async (_name, deep) => {
    const bodies = [
      deep,
      message(deep),
      `{"model":"tiny-chat","messages":[{"role":"user","content":"x"}],"max_tokens":1,"metadata":${deep}}`,
      `{"model":"tiny-chat","messages":[{"role":"user","content":"x"}],"max_tokens":1,"tools":[{"type":"function","function":{"name":"x","parameters":{"a":${deep}}}}]}`,
      `{"model":"tiny-chat","messages":[{"role":"user","content":"x"}],"max_tokens":1,"response_format":{"type":"json_schema","json_schema":{"name":"x","schema":{"properties":{"a":${deep}}}}}}`,
    ];
    for (const body of bodies) expect((await post(chat, body)).status).toBe(400);
    const unknown = await post(
      chat,
      `{"model":"tiny-chat","messages":[{"role":"user","content":"x"}],"max_tokens":1,"whatever":${deep}}`,
    );
    // Unknown fields are ignored, as at OpenAI; a body that is no JSON is refused as such.
    if (isJson(deep)) expect(unknown.status).toBe(200);
    else expect(unknown.body.error).toMatchObject({ type: "invalid_request_error", param: null });
    expect((await post("/v1/embeddings", `{"input":${deep}}`)).status).toBe(400);
    await expectAlive();
  });

  it.each(["1e999", "-1e999", "1e308", "-0", "0.1e-400", "NaN", "Infinity", "99999999999999999999999"])(
    "the number %s is a value or a refusal in every numeric field",
    async (number) => {
      for (const field of [
        "temperature",
        "top_p",
        "n",
        "max_tokens",
        "seed",
        "presence_penalty",
        "top_logprobs",
        "top_k",
        "min_p",
        "ttl",
        "repeat_penalty",
      ]) {
        const answer = await post(
          chat,
          `{"model":"tiny-chat","messages":[{"role":"user","content":"x"}],"max_completion_tokens":1,"${field}":${number}}`,
        );
        expectValueOrRefusal(answer, { number, field });
      }
      const bias = await post(
        chat,
        `{"model":"tiny-chat","messages":[{"role":"user","content":"x"}],"max_tokens":1,"logit_bias":{"5":${number}}}`,
      );
      expectValueOrRefusal(bias, { number, field: "logit_bias" });
      const ids = await post("/v1/embeddings", `{"input":[${number}]}`);
      expectValueOrRefusal(ids, { number, field: "input[0]" });
    },
  );

  it("lone surrogates, NUL and noncharacters are text", async () => {
    for (const content of ['"\\ud800"', '"\\udfff x \\ud83d"', '"a\\u0000b"', '"\\uffff\\ufffe"', '"\\u202e\\u2066"']) {
      expect((await post(chat, message(content))).status).toBe(200);
      expect((await post("/v1/embeddings", `{"input":${content}}`)).status).toBe(200);
      expect(
        (await post("/v1/completions", `{"model":"tiny-chat","max_tokens":1,"echo":true,"prompt":${content}}`)).status,
      ).toBe(200);
    }
  });

  it("bytes that are no UTF-8 are read as replacement characters", async () => {
    const body = Buffer.concat([Buffer.from('{"input":"'), Buffer.from([0xff, 0xfe, 0xc3]), Buffer.from('"}')]);
    const answer = await api.send("/v1/embeddings", { method: "POST", headers: jsonHeaders, body });
    expect(answer.status).toBe(200);
  });

  it("keys of Object's prototype do nothing", async () => {
    const body = `{"__proto__":{"stream":true,"n":5},"constructor":{"prototype":{"n":3}},"model":"tiny-chat","max_tokens":1,"messages":[{"role":"user","content":"x","__proto__":{"role":"system"}}],"logit_bias":{"__proto__":5}}`;
    expect((await post(chat, body)).status).toBe(400);
    const answer = await post(chat, body.replace(',"logit_bias":{"__proto__":5}', ""));
    expect(answer.status).toBe(200);
    expect((answer.body as { choices?: unknown[] }).choices).toHaveLength(1);
    expect(({} as { stream?: boolean }).stream).toBeUndefined();
  });

  it("a key that stands twice has its last value", async () => {
    const answer = await post(
      chat,
      `{"model":"nobody","model":"tiny-chat","max_tokens":1,"messages":[{"role":"user","content":"x"}]}`,
    );
    expect(answer.status).toBe(200);
  });
});

describe("schemas and grammars meant to break a compiler", () => {
  const messages = [{ role: "user", content: "x" }];
  const many = Array.from({ length: 500 }, (_, index) => [`p${index}`, { type: "string" }]);

  // A schema that no grammar can hold is refused where it is strict, and answered with a warning where it is not.
  const heavy = new Set(["a long minimum", "many items", "nested repetition"]);

  it.each<[name: string, refusedKeyword: string | null, schema: object]>([
    ["500 properties", null, { type: "object", properties: Object.fromEntries(many), additionalProperties: false }],
    ["5,000 words", null, { enum: Array.from({ length: 5000 }, (_, index) => `value ${index}`) }],
    ["a long minimum", "minLength", { type: "string", minLength: 1e9 }],
    ["a long maximum", null, { type: "string", maxLength: 1e9 }],
    ["many items", "minItems", { type: "array", items: { type: "integer" }, minItems: 1e6 }],
    ["nested repetition", "pattern", { type: "string", pattern: "^((a{1,500}){1,500}){1,500}$" }],
    ["a pattern of catastrophes", null, { type: "string", pattern: "^(a+)+$" }],
    ["a broken pattern", "pattern", { type: "string", pattern: "[" }],
    ["itself", "$ref", { $ref: "#" }],
    ["a circle", "$ref", { $ref: "#/$defs/a", $defs: { a: { $ref: "#/$defs/b" }, b: { $ref: "#/$defs/a" } } }],
    ["nothing", "$ref", { $ref: "#/$defs/missing" }],
    ["a pointer into the prototype", "$ref", { $ref: "#/__proto__/constructor" }],
    ["a contradiction", "minimum", { type: "integer", minimum: 5, maximum: 3 }],
    ["a type that is none", "type", { type: "banana" }],
    [
      "properties of the prototype",
      null,
      { type: "object", properties: { constructor: { type: "integer" } }, required: ["constructor", "toString"] },
    ],
  ])("%s is enforced or refused by name, at once", async (name, refusedKeyword, schema) => {
    const started = performance.now();
    const answer = await post(
      chat,
      JSON.stringify({
        model: "tiny-chat",
        messages,
        max_tokens: 20,
        response_format: { type: "json_schema", json_schema: { name: "x", schema, strict: heavy.has(name) } },
      }),
    );
    expect(answer.status, answer.text.slice(0, 300)).toBe(refusedKeyword === null ? 200 : 400);
    if (refusedKeyword !== null) {
      expect(answer.body.error).toMatchObject({
        code: "invalid_json_schema",
        param: "response_format.json_schema.schema",
        message: expect.stringContaining(`keyword "${refusedKeyword}"`),
      });
    }
    expect(performance.now() - started).toBeLessThan(10_000);
  });

  it.each([
    'root ::= root "a" | "b"',
    `root ::= ${'"a" | '.repeat(50_000)}"b"`,
    'root ::= ("a"{1,1000}){1,1000}',
    "root ::= x\nx ::= x",
  ])("a grammar that would not end is refused by name", async (grammar) => {
    await api.refused(chat, { model: "tiny-chat", messages, max_tokens: 5, grammar }, { param: "grammar" });
  });

  it("template variables cannot take the place of the messages", async () => {
    const error = await api.refused(chat, { model: "tiny-chat", messages, chat_template_kwargs: { messages: [] } });
    expect(error.param).toMatch(/^chat_template_kwargs/);
  });

  it("128 choices, 2,048 prompts and a bias on every token are served", async () => {
    expect((await api.chat({ n: 128, max_tokens: 1 })).choices).toHaveLength(128);
    const prompts = Array.from({ length: 2048 }, () => "x");
    expect((await api.completion({ prompt: prompts, max_tokens: 1 })).choices).toHaveLength(2048);
    const logit_bias = Object.fromEntries(Array.from({ length: 1536 }, (_, token) => [token, -100]));
    expect((await api.completion({ logit_bias, max_tokens: 3 })).choices).toHaveLength(1);
  });
});

describe("large requests", () => {
  it("a prompt of 10 MB is refused for its length, quickly", async () => {
    const content = "lorem ipsum dolor ".repeat(580_000);
    const started = performance.now();
    await api.refused(
      chat,
      { model: "tiny-chat", messages: [{ role: "user", content }] },
      { code: "context_length_exceeded" },
    );
    expect(performance.now() - started).toBeLessThan(30_000);
    await expectAlive();
  });

  it("10 MB of one character without a space is refused likewise", async () => {
    await api.refused(
      chat,
      { model: "tiny-chat", messages: [{ role: "user", content: "a".repeat(10_000_000) }] },
      { code: "context_length_exceeded" },
    );
    await expectAlive();
  });

  it("a body over 25 MB is 413", async () => {
    await api.refused(
      chat,
      { model: "tiny-chat", messages: [{ role: "user", content: "a".repeat(26_000_000) }] },
      { status: 413 },
    );
  });

  it("half a million messages or inputs of the wrong type cost one error", async () => {
    await api.refused(
      chat,
      { model: "tiny-chat", messages: Array.from({ length: 500_000 }, () => 1) },
      { param: "messages[0]" },
    );
    await api.refused("/v1/embeddings", { input: Array.from({ length: 500_000 }, () => null) });
    await api.refused(
      chat,
      {
        model: "tiny-chat",
        messages: [{ role: "user", content: "x" }],
        stop: Array.from({ length: 100_000 }, () => "x"),
      },
      { param: "stop" },
    );
    await expectAlive();
  });

  it("a long embedding input is cut", async () => {
    await api.ok("/v1/embeddings", { input: "a".repeat(3_000_000) });
  });
});

describe("odd HTTP", () => {
  const host = "host: localhost";

  it("input that is no HTTP is answered 400 in OpenAI's shape, and the connection is closed", async () => {
    const answer = await raw("HELLO\r\n\r\n");
    expect(answer).toMatch(/^HTTP\/1\.1 400 /);
    expectErrorShape(JSON.parse(answer.slice(answer.indexOf("\r\n\r\n") + 4)));
    expect(answer.toLowerCase()).toContain("x-request-id: req_");
    await expectAlive();
  });

  it("headers beyond the limit are 431", async () => {
    const answer = await raw(`GET /v1/models HTTP/1.1\r\n${host}\r\nx-long: ${"a".repeat(40_000)}\r\n\r\n`);
    expect(answer).toMatch(/^HTTP\/1\.1 431 /);
    expectErrorShape(JSON.parse(answer.slice(answer.indexOf("\r\n\r\n") + 4)));
  });

  it("pipelined requests are answered in order", async () => {
    const one = (path: string): string => `GET ${path} HTTP/1.1\r\n${host}\r\n\r\n`;
    const answer = await raw(
      one("/health/live") +
        one("/v1/nothing") +
        `GET /v1/models/tiny-chat HTTP/1.1\r\n${host}\r\nconnection: close\r\n\r\n`,
    );
    expect([...answer.matchAll(/HTTP\/1\.1 (\d{3})/g)].map((match) => match[1])).toEqual(["200", "404", "200"]);
  });

  it("a connection serves many requests", async () => {
    const request = `POST /v1/embeddings HTTP/1.1\r\n${host}\r\ncontent-type: application/json\r\ncontent-length: 13\r\n\r\n{"input":"x"}`;
    const answer = await raw([request, request, request], /(HTTP\/1\.1 200[\s\S]*){3}total_tokens/);
    expect([...answer.matchAll(/HTTP\/1\.1 200/g)]).toHaveLength(3);
  });

  it("an error before the body was read does not spoil the connection's next request", async () => {
    const body = JSON.stringify({ x: "y".repeat(100) });
    const answer = await raw(
      `POST /v1/nothing HTTP/1.1\r\n${host}\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n${body}` +
        `GET /health/live HTTP/1.1\r\n${host}\r\nconnection: close\r\n\r\n`,
    );
    expect([...answer.matchAll(/HTTP\/1\.1 (\d{3})/g)].map((match) => match[1])).toEqual(["404", "200"]);
  });

  it("a client that waits for 100-continue gets it", async () => {
    const head = `POST /v1/embeddings HTTP/1.1\r\n${host}\r\nexpect: 100-continue\r\ncontent-type: application/json\r\ncontent-length: 13\r\nconnection: close\r\n\r\n`;
    const answer = await raw([head, `{"input":"x"}`]);
    expect(answer).toContain("100 Continue");
    expect(answer).toContain("200 OK");
  });

  it("a body that breaks off does not harm the server", async () => {
    const { hostname, port } = new URL(api.url);
    const socket = connect(Number(port), hostname).resume();
    await new Promise((resolve) => socket.once("connect", resolve));
    socket.end(
      `POST ${chat} HTTP/1.1\r\n${host}\r\ncontent-type: application/json\r\ncontent-length: 5000\r\n\r\n{"model":`,
    );
    await new Promise((resolve) => socket.once("close", resolve));
    await expectAlive();
  });

  it("an unknown Host is refused, and so is a missing one except in HTTP/1.0", async () => {
    const rebinding = await raw("GET /v1/models HTTP/1.1\r\nhost: evil.example\r\nconnection: close\r\n\r\n");
    expect(rebinding).toMatch(/^HTTP\/1\.1 403 /);
    const none = await raw("GET /v1/models HTTP/1.1\r\nconnection: close\r\n\r\n");
    expect(none).toMatch(/^HTTP\/1\.1 400 /);
    const broken = await raw("GET /v1/models HTTP/1.1\r\nhost: a b%%\r\nconnection: close\r\n\r\n");
    expect(broken).toMatch(/^HTTP\/1\.1 40[03] /);
    expectErrorShape(JSON.parse(broken.slice(broken.indexOf("\r\n\r\n") + 4)));
    const old = await raw("GET /v1/models HTTP/1.0\r\n\r\n");
    expect(old).toMatch(/^HTTP\/1\.1 200 /);
  });

  it("a compressed body is refused by its encoding", async () => {
    const answer = await api.send<{ error: { message: string } }>("/v1/embeddings", {
      method: "POST",
      headers: { ...jsonHeaders, "content-encoding": "gzip" },
      body: Buffer.from([0x1f, 0x8b, 8, 0]),
    });
    expect(answer.status).toBe(415);
    expect(answer.body.error.message).toContain("gzip");
  });

  it("a query string changes nothing", async () => {
    const answer = await api.send("/v1/embeddings?api-version=2024-02-01", {
      method: "POST",
      headers: jsonHeaders,
      body: '{"input":"x"}',
    });
    expect(answer.status).toBe(200);
  });
});
