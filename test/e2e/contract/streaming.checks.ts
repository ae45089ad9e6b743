// Streams of chat and completions: every rule that a client's parser relies on.
import { describe, expect, it } from "vitest";
import { banTinyChatEnds, jsonHeaders, joinChat, joinText } from "../../support/contract-client.ts";
import { useContractServer } from "../../support/contract-server.ts";

const api = useContractServer();

describe("a chat stream", () => {
  it("has one id, one time and one model in all chunks", async () => {
    const { chunks, done } = await api.chatStream({ model: "gpt-4o" });
    expect(new Set(chunks.map((chunk) => `${chunk.id} ${chunk.created} ${chunk.system_fingerprint}`)).size).toBe(1);
    expect(chunks.every((chunk) => chunk.model === "gpt-4o" && chunk.object === "chat.completion.chunk")).toBe(true);
    expect(chunks[0]?.id).toMatch(/^chatcmpl-/);
    expect(done).toBe(true);
  });

  it("names the role in the first chunk of each choice and nowhere else", async () => {
    const { chunks } = await api.chatStream({ n: 3, max_tokens: 5 });
    for (const index of [0, 1, 2]) {
      const deltas = chunks.flatMap((chunk) => chunk.choices).filter((choice) => choice.index === index);
      expect(deltas[0]?.delta).toMatchObject({ role: "assistant", content: "" });
      expect(deltas.slice(1).some((choice) => "role" in choice.delta)).toBe(false);
      const reasons = deltas.map((choice) => choice.finish_reason);
      expect(reasons.slice(0, -1).every((reason) => reason === null)).toBe(true);
      expect(["stop", "length"]).toContain(reasons.at(-1));
      expect(deltas.at(-1)?.delta).toEqual({});
    }
  });

  it("has no usage unless asked", async () => {
    const { chunks } = await api.chatStream({});
    expect(chunks.some((chunk) => "usage" in chunk)).toBe(false);
    const off = await api.chatStream({ stream_options: { include_usage: false } });
    expect(off.chunks.some((chunk) => "usage" in chunk)).toBe(false);
  });

  it("ends with a chunk of usage without choices when asked, with null before", async () => {
    const request = { n: 2, max_tokens: 6, seed: 2 };
    const { chunks, done } = await api.chatStream({ ...request, stream_options: { include_usage: true } });
    const last = chunks.at(-1);
    expect(last?.choices).toEqual([]);
    expect(chunks.slice(0, -1).every((chunk) => chunk.usage === null && chunk.choices.length === 1)).toBe(true);
    const whole = await api.chat(request);
    expect(last?.usage?.completion_tokens).toBe(whole.usage?.completion_tokens);
    expect(last?.usage?.prompt_tokens).toBe(whole.usage?.prompt_tokens);
    expect(last?.usage?.total_tokens).toBe((last?.usage?.prompt_tokens ?? 0) + (last?.usage?.completion_tokens ?? 0));
    expect(done).toBe(true);
  });

  it("joins to the unstreamed answer, for every choice", async () => {
    const request = { n: 2, seed: 21, temperature: 1, max_tokens: 20 };
    const whole = await api.chat(request);
    const stream = await api.chatStream(request);
    for (const index of [0, 1]) expect(joinChat(stream, index)).toBe(whole.choices[index]?.message.content);
  });

  it("carries logprobs with the tokens they belong to", async () => {
    const request = { seed: 5, max_tokens: 12, logprobs: true, top_logprobs: 2 };
    const { chunks } = await api.chatStream(request);
    const tokens = chunks.flatMap((chunk) => chunk.choices[0]?.logprobs?.content ?? []);
    expect(tokens.map((token) => token.token).join("")).toBe(joinChat({ chunks } as never));
    const whole = await api.chat(request);
    expect(tokens.map((token) => token.token)).toEqual(
      whole.choices[0]?.logprobs?.content?.map((token) => token.token),
    );
  });

  it("pads chunks when asked for obfuscation and not otherwise", async () => {
    const padded = await api.chatStream({ stream_options: { include_obfuscation: true } });
    expect(padded.chunks.some((chunk) => "obfuscation" in chunk)).toBe(true);
    const plain = await api.chatStream({});
    expect(plain.chunks.some((chunk) => "obfuscation" in chunk)).toBe(false);
  });

  it("never shows a control token or half a code point", async () => {
    for (let seed = 0; seed < 6; seed += 1) {
      const { chunks, raw } = await api.chatStream({ seed, temperature: 2, max_tokens: 60 });
      for (const chunk of chunks) {
        const text = chunk.choices[0]?.delta.content ?? "";
        expect(text).not.toMatch(/<\|im_(start|end)\|>/);
        expect(text.isWellFormed?.() ?? true).toBe(true);
      }
      expect(raw).not.toContain("<|im_end|>");
    }
  });

  it("is sent as it is made, not at the end", async () => {
    const response = await fetch(`${api.url}/v1/chat/completions`, {
      method: "POST",
      headers: jsonHeaders,
      body: JSON.stringify({
        model: "tiny-chat",
        messages: [{ role: "user", content: "Go on and on." }],
        max_tokens: 3_000,
        stream: true,
        logit_bias: banTinyChatEnds,
      }),
    });
    expect(response.headers.get("cache-control")).toContain("no-cache");
    const reader = response.body?.getReader() as ReadableStreamDefaultReader<Uint8Array>;
    const first = new TextDecoder().decode((await reader.read()).value);
    expect(first).toMatch(/^data: /);
    expect(first).not.toContain("[DONE]");
    expect(first).not.toContain('"finish_reason":"length"');
    await reader.cancel();
  });
});

describe("a completion stream", () => {
  it("has text chunks, one end per choice, usage when asked, and [DONE]", async () => {
    const request = { n: 2, seed: 6, max_tokens: 9 };
    const stream = await api.completionStream({ ...request, stream_options: { include_usage: true } });
    const whole = await api.completion(request);
    for (const index of [0, 1]) {
      expect(joinText(stream, index)).toBe(whole.choices[index]?.text);
      const ends = stream.chunks
        .flatMap((chunk) => chunk.choices)
        .filter((choice) => choice.index === index && choice.finish_reason);
      expect(ends).toHaveLength(1);
    }
    expect(stream.chunks.at(-1)?.choices).toEqual([]);
    expect(stream.chunks.at(-1)?.usage?.completion_tokens).toBe(whole.usage?.completion_tokens);
    expect(stream.chunks.every((chunk) => chunk.object === "text_completion")).toBe(true);
    expect(stream.done).toBe(true);
  });

  it("joins to the unstreamed text with echo and logprobs", async () => {
    const request = { prompt: "Once upon", echo: true, logprobs: 1, temperature: 0, max_tokens: 6 };
    const stream = await api.completionStream(request);
    const whole = await api.completion(request);
    expect(joinText(stream)).toBe(whole.choices[0]?.text);
    const tokens = stream.chunks.flatMap((chunk) => chunk.choices[0]?.logprobs?.tokens ?? []);
    expect(tokens).toEqual(whole.choices[0]?.logprobs?.tokens);
    const offsets = stream.chunks.flatMap((chunk) => chunk.choices[0]?.logprobs?.text_offset ?? []);
    expect(offsets).toEqual(whole.choices[0]?.logprobs?.text_offset);
  });
});

describe("errors around a stream", () => {
  it.each([
    ["an unknown model", 404, { model: "nobody" }],
    ["a wrong field", 400, { temperature: 9 }],
    ["too long a prompt", 400, { messages: [{ role: "user", content: "word and word ".repeat(5000) }] }],
    [
      "a schema that cannot be enforced",
      400,
      { response_format: { type: "json_schema", json_schema: { name: "x", schema: { not: {} } } } },
    ],
    ["a token outside the vocabulary", 400, { logit_bias: { "9999999": 1 } }],
  ])("are plain JSON with their status before the first byte: %s", async (_name, status, body) => {
    const answer = await api.send("/v1/chat/completions", {
      method: "POST",
      headers: jsonHeaders,
      body: JSON.stringify({ model: "tiny-chat", messages: [{ role: "user", content: "x" }], stream: true, ...body }),
    });
    expect(answer.status).toBe(status);
    expect(answer.headers.get("content-type")).toMatch(/^application\/json/);
  });

  it("refuses stream_options without stream, and wrong ones with it", async () => {
    const base = { model: "tiny-chat", messages: [{ role: "user", content: "x" }] };
    const path = "/v1/chat/completions";
    await api.refused(path, { ...base, stream_options: { include_usage: true } }, { param: "stream_options" });
    await api.refused(path, { ...base, stream: false, stream_options: {} }, { param: "stream_options" });
    await api.refused(path, { ...base, stream: true, stream_options: "yes" }, { param: "stream_options" });
    await api.refused(
      path,
      { ...base, stream: true, stream_options: { include_usage: "yes" } },
      { param: "stream_options.include_usage" },
    );
    await api.refused(
      "/v1/completions",
      { model: "tiny-chat", prompt: "x", stream_options: {} },
      { param: "stream_options" },
    );
  });
});
