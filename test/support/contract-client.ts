// An HTTP client for contract tests, without an SDK between the test and the bytes. It checks every answer against OpenAI's document
// (where that is present) and against what is true of every answer of this server.
import type OpenAI from "openai";
import { expect } from "vitest";
import { documentFaults } from "./contract-document.ts";

export interface ApiError {
  readonly message: string;
  readonly type: string;
  readonly param: string | null;
  readonly code: string | null;
}

export interface Answer<T = unknown> {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  readonly body: T;
}

export interface Stream<T> {
  readonly headers: Headers;
  /** Data of each event that is JSON, in order. */
  readonly chunks: readonly T[];
  /** Values of the `event:` lines, in order; empty where there were none. */
  readonly eventNames: readonly string[];
  /** The stream's text as it came. */
  readonly raw: string;
  /** True where `[DONE]` was the last event. */
  readonly done: boolean;
}

export interface Refusal {
  /** @default 400 */
  readonly status?: number;
  readonly param?: string | null;
  readonly code?: string | null;
}

export type Body = Readonly<Record<string, unknown>>;

export interface ContractClient {
  readonly url: string;
  /** Any request to a path such as `/v1/models`; the answer's body is JSON where it says so, else its text. */
  send<T = unknown>(path: string, init?: RequestInit): Promise<Answer<T>>;
  /** The body of a 200, checked against OpenAI's document. */
  ok<T>(path: string, body: Body): Promise<T>;
  /** The error object of a refusal. */
  refused(path: string, body: unknown, refusal?: Refusal): Promise<ApiError>;
  /** A whole stream, every chunk checked against OpenAI's document. */
  stream<T>(path: string, body: Body): Promise<Stream<T>>;
  chat(body: Body): Promise<OpenAI.ChatCompletion>;
  chatStream(body: Body): Promise<Stream<OpenAI.ChatCompletionChunk>>;
  completion(body: Body): Promise<OpenAI.Completion>;
  completionStream(body: Body): Promise<Stream<OpenAI.Completion>>;
}

/** Fields every chat test needs: a model and one message. Both may be overridden. */
const chatDefaults = { model: "tiny-chat", messages: [{ role: "user", content: "Say hello." }], max_tokens: 8 };
const completionDefaults = { model: "tiny-chat", prompt: "Once upon a time", max_tokens: 8 };

export function createContractClient(url: string): ContractClient {
  async function send<T>(path: string, init: RequestInit = {}): Promise<Answer<T>> {
    const response = await fetch(`${url}${path}`, init);
    const text = await response.text();
    const { status, headers } = response;
    expect(headers.get("x-request-id"), `x-request-id of ${path}`).toMatch(/^\S+$/);
    const isJson = (headers.get("content-type") ?? "").startsWith("application/json") && text !== "";
    const body = (isJson ? JSON.parse(text) : text) as T;
    if (status >= 400 && init.method !== "HEAD") expectErrorShape(body);
    return { status, headers, text, body };
  }

  function post<T>(path: string, body: unknown): Promise<Answer<T>> {
    return send<T>(path, { method: "POST", headers: jsonHeaders, body: JSON.stringify(body) });
  }

  async function ok<T>(path: string, body: Body): Promise<T> {
    const answer = await post<T>(path, body);
    expect(answer.status, answer.status === 200 ? "" : answer.text).toBe(200);
    expect(documentFaults(answer.body), answer.text.slice(0, 500)).toEqual([]);
    return answer.body;
  }

  async function refused(path: string, body: unknown, refusal: Refusal = {}): Promise<ApiError> {
    const answer = await post<{ error: ApiError }>(path, body);
    expect(answer.status, answer.text.slice(0, 500)).toBe(refusal.status ?? 400);
    const { error } = answer.body;
    if (refusal.param !== undefined) expect(error.param, error.message).toBe(refusal.param);
    if (refusal.code !== undefined) expect(error.code, error.message).toBe(refusal.code);
    return error;
  }

  async function stream<T>(path: string, body: Body): Promise<Stream<T>> {
    const response = await fetch(`${url}${path}`, {
      method: "POST",
      headers: jsonHeaders,
      body: JSON.stringify({ ...body, stream: true }),
    });
    const raw = await response.text();
    expect(response.status, raw.slice(0, 500)).toBe(200);
    expect(response.headers.get("content-type")).toMatch(/^text\/event-stream/);
    expect(response.headers.get("x-request-id")).toMatch(/^\S+$/);
    return readStream<T>(raw, response.headers);
  }

  return {
    url,
    send,
    ok,
    refused,
    stream,
    chat: (body) => ok("/v1/chat/completions", { ...chatDefaults, ...body }),
    chatStream: (body) => stream("/v1/chat/completions", { ...chatDefaults, ...body }),
    completion: (body) => ok("/v1/completions", { ...completionDefaults, ...body }),
    completionStream: (body) => stream("/v1/completions", { ...completionDefaults, ...body }),
  };
}

/** Bans the tokens with which tiny-chat ends an answer, `<|endoftext|>` and `<|im_end|>`: it then writes as much as it may. */
export const banTinyChatEnds = { "1528": -100, "1530": -100 } as const;

export const jsonHeaders = { "content-type": "application/json" } as const;

/** Expects OpenAI's error object: `message`, `type`, `param`, `code`, and nothing else. */
export function expectErrorShape(body: unknown): void {
  const { error } = body as { error: ApiError };
  expect(Object.keys(body as object)).toEqual(["error"]);
  expect(Object.keys(error).sort()).toEqual(["code", "message", "param", "type"]);
  expect(typeof error.message).toBe("string");
  expect(error.message).not.toBe("");
  expect(typeof error.type).toBe("string");
  // No stack, path or class of the server.
  expect(error.message).not.toMatch(/\bat .+:\d+:\d+|node_modules|ZodError|\.ts:|undefined/);
}

/** The text of choice `index` of a chat, put together from its deltas. */
export function joinChat(stream: Stream<OpenAI.ChatCompletionChunk>, index = 0): string {
  return stream.chunks
    .flatMap((chunk) => chunk.choices)
    .filter((choice) => choice.index === index)
    .map((choice) => choice.delta.content ?? "")
    .join("");
}

/** The text of choice `index` of a completion. */
export function joinText(stream: Stream<OpenAI.Completion>, index = 0): string {
  return stream.chunks
    .flatMap((chunk) => chunk.choices)
    .filter((choice) => choice.index === index)
    .map((choice) => choice.text)
    .join("");
}

function readStream<T>(raw: string, headers: Headers): Stream<T> {
  const chunks: T[] = [];
  const eventNames: string[] = [];
  let done = false;
  expect(raw.endsWith("\n\n")).toBe(true);
  for (const event of raw.split("\n\n").filter((text) => text !== "")) {
    if (event.startsWith(":")) continue;
    expect(done, "events after [DONE]").toBe(false);
    const lines = event.split("\n");
    const name = lines.find((line) => line.startsWith("event: "));
    if (name !== undefined) eventNames.push(name.slice("event: ".length));
    const data = lines
      .filter((line) => line.startsWith("data: "))
      .map((line) => line.slice("data: ".length))
      .join("\n");
    if (data === "[DONE]") {
      done = true;
      continue;
    }
    const chunk = JSON.parse(data) as T;
    expect(documentFaults(chunk), data.slice(0, 500)).toEqual([]);
    chunks.push(chunk);
  }
  return { headers, chunks, eventNames, raw, done };
}
