// The official SDK, given nothing but `baseURL`, against a real server with the bundled models.
import OpenAI from "openai";
import sharp from "sharp";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startTestServer, type TestServer } from "../support/server.ts";

let server: TestServer;
let client: OpenAI;

beforeAll(async () => {
  server = await startTestServer();
  client = new OpenAI({ baseURL: server.baseURL, apiKey: "unused", maxRetries: 0 });
});
afterAll(() => server.close());

const messages = [{ role: "user" as const, content: "Please say hello." }];

describe("the openai SDK", () => {
  it("lists the bundled models and their aliases", async () => {
    const ids = (await client.models.list()).data.map((model) => model.id);
    expect(ids).toEqual(expect.arrayContaining(["tiny-chat", "tiny-embed", "tiny-image", "gpt-4o-mini"]));
    expect(await client.models.retrieve("tiny-chat")).toMatchObject({ id: "tiny-chat", object: "model" });
  });

  it("gets a chat answer with true usage", async () => {
    const answer = await client.chat.completions.create({ model: "tiny-chat", messages, max_tokens: 12, seed: 1 });
    expect(answer.object).toBe("chat.completion");
    expect(answer.model).toBe("tiny-chat");
    expect(answer.choices[0]?.message.role).toBe("assistant");
    expect(typeof answer.choices[0]?.message.content).toBe("string");
    expect(["stop", "length"]).toContain(answer.choices[0]?.finish_reason);
    const usage = answer.usage as NonNullable<typeof answer.usage>;
    expect(usage.total_tokens).toBe(usage.prompt_tokens + usage.completion_tokens);
    expect(usage.completion_tokens).toBeGreaterThan(0);
    expect(usage.completion_tokens).toBeLessThanOrEqual(12);
  });

  it("gets the same answer as a stream", async () => {
    const request = { model: "tiny-chat", messages, max_tokens: 24, seed: 5, temperature: 0.7 };
    const whole = await client.chat.completions.create(request);
    const stream = await client.chat.completions.create({
      ...request,
      stream: true,
      stream_options: { include_usage: true },
    });
    let text = "";
    let finish: string | null = null;
    let usage: OpenAI.CompletionUsage | null | undefined;
    for await (const chunk of stream) {
      expect(chunk.object).toBe("chat.completion.chunk");
      text += chunk.choices[0]?.delta.content ?? "";
      finish = chunk.choices[0]?.finish_reason ?? finish;
      usage = chunk.usage ?? usage;
    }
    expect(text).toBe(whole.choices[0]?.message.content);
    expect(finish).toBe(whole.choices[0]?.finish_reason);
    expect(usage).toMatchObject({
      prompt_tokens: whole.usage?.prompt_tokens,
      completion_tokens: whole.usage?.completion_tokens,
    });
  });

  it("gets a completion, streamed and whole", async () => {
    const request = { model: "tiny-chat", prompt: "Once upon a time", max_tokens: 16, temperature: 0 };
    const whole = await client.completions.create(request);
    expect(whole.object).toBe("text_completion");
    let text = "";
    for await (const chunk of await client.completions.create({ ...request, stream: true })) {
      text += chunk.choices[0]?.text ?? "";
    }
    expect(text).toBe(whole.choices[0]?.text);
  });

  it("gets base64 and float embeddings that agree", async () => {
    const input = ["The food was delicious and the waiter.", "Ein zweiter Text."];
    const floats = await client.embeddings.create({ model: "tiny-embed", input, encoding_format: "float" });
    const base64 = await client.embeddings.create({ model: "tiny-embed", input, encoding_format: "base64" });
    const decoded = await client.embeddings.create({ model: "tiny-embed", input });
    for (const [index, { embedding }] of floats.data.entries()) {
      const bytes = Buffer.from(base64.data[index]?.embedding as unknown as string, "base64");
      const values = new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength));
      expect([...values]).toEqual(embedding.map(Math.fround));
      expect(decoded.data[index]?.embedding).toEqual([...values]);
      expect(Math.hypot(...embedding)).toBeCloseTo(1, 5);
    }
    expect(floats.usage.total_tokens).toBe(floats.usage.prompt_tokens);
  });

  it("gets a PNG of the size asked for", async () => {
    const answer = await client.images.generate({
      model: "tiny-image",
      prompt: "A beautiful sunset over the ocean",
      size: "256x256",
      response_format: "b64_json",
    });
    const bytes = Buffer.from(answer.data?.[0]?.b64_json ?? "", "base64");
    expect(await sharp(bytes).metadata()).toMatchObject({ format: "png", width: 256, height: 256 });
  });

  it("is told of an unknown model, with the SDK's own error class", async () => {
    const error = await client.chat.completions
      .create({ model: "nobody", messages })
      .catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(OpenAI.NotFoundError);
    expect(error).toMatchObject({ status: 404, code: "model_not_found", param: "model" });
  });
});
