// Bodies as the official SDK sends them, recorded through a fetch that answers nothing.
import OpenAI, { toFile } from "openai";
import { describe, expect, it } from "vitest";
import { parseRequest } from "../../../src/wire/contract/parse-request.ts";
import { chatCompletionContract } from "../../../src/wire/openai/chat/contract.ts";
import { completionContract } from "../../../src/wire/openai/completions/contract.ts";
import { embeddingContract } from "../../../src/wire/openai/embeddings/contract.ts";
import { formToBody, imageEditContract } from "../../../src/wire/openai/images/edit.ts";
import { imageContract } from "../../../src/wire/openai/images/generation.ts";

async function record(call: (client: OpenAI) => PromiseLike<unknown>): Promise<unknown> {
  let sent: unknown;
  const client = new OpenAI({
    apiKey: "none",
    baseURL: "http://localhost/v1",
    maxRetries: 0,
    fetch: (_url, init) => {
      sent = init?.body;
      return Promise.resolve(Response.json({ data: [], choices: [] }));
    },
  });
  await Promise.resolve(call(client)).catch(() => undefined);
  if (typeof sent === "string") return JSON.parse(sent);
  if (!(sent instanceof FormData)) throw new Error("The SDK sent nothing.");
  const entries: [string, string | Uint8Array][] = [];
  for (const [name, value] of sent.entries()) {
    entries.push([name, typeof value === "string" ? value : new Uint8Array(await value.arrayBuffer())]);
  }
  return formToBody(entries);
}

const weather = {
  type: "function",
  function: {
    name: "get_weather",
    description: "Weather of a city",
    parameters: {
      type: "object",
      properties: { city: { type: "string" } },
      required: ["city"],
      additionalProperties: false,
    },
    strict: true,
  },
} as const;

describe("requests of the official SDK", () => {
  it("are accepted: a whole tool conversation with everything set", async () => {
    const body = await record((client) =>
      client.chat.completions.create({
        model: "m",
        messages: [
          { role: "developer", content: "Be brief." },
          {
            role: "user",
            content: [
              { type: "text", text: "Weather?" },
              { type: "image_url", image_url: { url: "data:image/png;base64,AA", detail: "low" } },
            ],
          },
          {
            role: "assistant",
            content: null,
            tool_calls: [
              { id: "call_1", type: "function", function: { name: "get_weather", arguments: '{"city":"Bern"}' } },
            ],
          },
          { role: "tool", tool_call_id: "call_1", content: "sunny" },
        ],
        tools: [weather],
        tool_choice: { type: "function", function: { name: "get_weather" } },
        parallel_tool_calls: false,
        stream: true,
        stream_options: { include_usage: true },
        logprobs: true,
        top_logprobs: 20,
        max_completion_tokens: 10,
        response_format: {
          type: "json_schema",
          json_schema: { name: "answer", strict: true, schema: { type: "object" } },
        },
        reasoning_effort: "low",
        metadata: { run: "1" },
        store: false,
        service_tier: "auto",
        user: "u",
        seed: 1,
        stop: ["\n"],
        logit_bias: { "1": -100 },
        n: 2,
      }),
    );
    expect(parseRequest(chatCompletionContract, body)).toMatchObject({ n: 2, stream: true });
  });

  it("are accepted: the streaming helper", async () => {
    const body = await record((client) =>
      client.chat.completions.stream({ model: "m", messages: [{ role: "user", content: "x" }] }).done(),
    );
    expect(parseRequest(chatCompletionContract, body)).toMatchObject({ stream: true });
  });

  it("are accepted: completions with token ids", async () => {
    const body = await record((client) =>
      client.completions.create({ model: "m", prompt: [[1, 2], [3]], echo: true, logprobs: 5, max_tokens: 0 }),
    );
    expect(parseRequest(completionContract, body)).toMatchObject({ prompt: [[1, 2], [3]] });
  });

  it("are accepted: embeddings, for which the SDK asks base64 on its own", async () => {
    const body = await record((client) => client.embeddings.create({ model: "m", input: ["a", "b"] }));
    expect(parseRequest(embeddingContract, body)).toMatchObject({ encoding_format: "base64" });
  });

  it("are accepted: images", async () => {
    const body = await record((client) =>
      client.images.generate({
        model: "m",
        prompt: "p",
        size: "1024x1024",
        n: 1,
        stream: true,
        partial_images: 2,
        quality: "low",
      }),
    );
    expect(parseRequest(imageContract, body)).toMatchObject({ partial_images: 2 });
  });

  it("are accepted: image edits as a multipart form", async () => {
    const picture = await toFile(Buffer.from([1, 2, 3]), "a.png", { type: "image/png" });
    const one = await record((client) =>
      client.images.edit({ model: "m", prompt: "p", image: picture, mask: picture, n: 2 }),
    );
    const list = await record((client) => client.images.edit({ model: "m", prompt: "p", image: [picture] }));
    expect(parseRequest(imageEditContract, one)).toMatchObject({ n: 2, image: Uint8Array.of(1, 2, 3) });
    expect(parseRequest(imageEditContract, list)).toMatchObject({ image: [Uint8Array.of(1, 2, 3)] });
  });
});
