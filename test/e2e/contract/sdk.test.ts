// The official SDK and Vercel's AI SDK, given nothing but a base URL and OpenAI's model names.
import { createOpenAICompatible } from "@ai-sdk/openai-compatible";
import { embedMany, generateObject, generateText, jsonSchema, streamText, tool } from "ai";
import OpenAI from "openai";
import { describe, expect, it } from "vitest";
import { useContractServer } from "../../support/contract-server.ts";

const api = useContractServer();
const client = (): OpenAI => new OpenAI({ baseURL: `${api.url}/v1`, apiKey: "sk-none", maxRetries: 0 });
const provider = () =>
  createOpenAICompatible({
    name: "hearth",
    baseURL: `${api.url}/v1`,
    includeUsage: true,
    supportsStructuredOutputs: true,
  });

const messages = [{ role: "user" as const, content: "Say hello in JSON." }];
const pointSchema = {
  type: "object" as const,
  properties: {
    x: { type: "integer" as const, minimum: 0, maximum: 9 },
    name: { type: "string" as const, maxLength: 6 },
  },
  required: ["x", "name"],
  additionalProperties: false as const,
};

describe("the official SDK", () => {
  it("gets an answer with its response headers and request id", async () => {
    const { data, response, request_id } = await client()
      .chat.completions.create({ model: "gpt-4o-mini", messages, max_tokens: 5 })
      .withResponse();
    expect(data.choices[0]?.message.role).toBe("assistant");
    expect(request_id).toBe(response.headers.get("x-request-id"));
    expect(data).toMatchObject({ _request_id: request_id });
  });

  it("runs its stream helper to the end, with a final completion and total usage", async () => {
    const stream = client().chat.completions.stream({
      model: "gpt-4o-mini",
      messages,
      max_tokens: 12,
      seed: 1,
      stream_options: { include_usage: true },
    });
    let text = "";
    stream.on("content", (delta) => {
      text += delta;
    });
    const final = await stream.finalChatCompletion();
    expect(final.choices[0]?.message.content).toBe(text);
    expect((await stream.totalUsage()).completion_tokens).toBeGreaterThan(0);
  });

  it("parses structured output", async () => {
    const answer = await client().chat.completions.parse({
      model: "gpt-4o-mini",
      messages,
      max_tokens: 400,
      response_format: { type: "json_schema", json_schema: { name: "point", strict: true, schema: pointSchema } },
    });
    expect(answer.choices[0]?.message.parsed).toMatchObject({ x: expect.any(Number), name: expect.any(String) });
  });

  it("runs tools to an answer", async () => {
    const calls: unknown[] = [];
    const runner = client().chat.completions.runTools(
      {
        model: "gpt-4o-mini",
        messages,
        max_tokens: 300,
        tool_choice: { type: "function", function: { name: "point" } },
        tools: [
          {
            type: "function",
            function: {
              name: "point",
              description: "Marks a point.",
              parameters: pointSchema,
              parse: JSON.parse as (text: string) => object,
              function: (value: object) => {
                calls.push(value);
                return "done";
              },
            },
          },
        ],
      },
      { maxChatCompletions: 2 },
    );
    await runner.done().catch(() => {});
    expect(calls[0]).toMatchObject({ x: expect.any(Number), name: expect.any(String) });
  });

  it("streams tool calls", async () => {
    const stream = client().chat.completions.stream({
      model: "gpt-4o-mini",
      messages,
      max_tokens: 300,
      tools: [{ type: "function", function: { name: "point", parameters: pointSchema } }],
      tool_choice: "required",
    });
    const final = await stream.finalChatCompletion();
    const [call] = final.choices[0]?.message.tool_calls ?? [];
    expect(call?.type).toBe("function");
    if (call?.type === "function") expect(JSON.parse(call.function.arguments)).toMatchObject({ x: expect.any(Number) });
  });

  it("gets embeddings as numbers though it asks for base64", async () => {
    const answer = await client().embeddings.create({ model: "text-embedding-3-small", input: ["a", "b"] });
    expect(answer.data.map((entry) => entry.embedding.length)).toEqual([128, 128]);
    expect(answer.data[0]?.embedding.every((value) => typeof value === "number")).toBe(true);
  });

  it("pages through the models", async () => {
    const ids: string[] = [];
    for await (const model of client().models.list()) ids.push(model.id);
    expect(ids).toContain("tiny-chat");
    expect((await client().models.retrieve("gpt-4o")).id).toBe("gpt-4o");
  });

  it("throws its own error classes", async () => {
    const wrong = (body: object) => client().chat.completions.create({ model: "gpt-4o", messages, ...body } as never);
    await expect(wrong({ temperature: 3 })).rejects.toBeInstanceOf(OpenAI.BadRequestError);
    await expect(wrong({ model: "nobody" })).rejects.toBeInstanceOf(OpenAI.NotFoundError);
    await expect(wrong({ temperature: 3 })).rejects.toMatchObject({
      status: 400,
      param: "temperature",
      type: "invalid_request_error",
    });
    await expect(client().models.retrieve("nobody")).rejects.toMatchObject({ status: 404, code: "model_not_found" });
  });

  it("can leave in the middle of a stream", async () => {
    const stream = await client().chat.completions.create({ model: "gpt-4o", messages, max_tokens: 500, stream: true });
    for await (const chunk of stream) if (chunk.choices[0]?.delta.content) break;
    expect(stream.controller.signal.aborted).toBe(true);
  });
});

describe("the AI SDK", () => {
  it("generates and streams text with usage", async () => {
    const model = provider().chatModel("gpt-4o-mini");
    const { text, usage, finishReason } = await generateText({
      model,
      prompt: "Hello.",
      maxOutputTokens: 8,
      seed: 1,
      maxRetries: 0,
    });
    expect(typeof text).toBe("string");
    expect(usage.outputTokens).toBeGreaterThan(0);
    expect(["stop", "length"]).toContain(finishReason);
    const streamed = streamText({ model, prompt: "Hello.", maxOutputTokens: 8, seed: 1, maxRetries: 0 });
    let joined = "";
    for await (const piece of streamed.textStream) joined += piece;
    expect(joined).toBe(text);
    expect((await streamed.usage).totalTokens).toBe(usage.totalTokens);
  });

  it("generates an object that matches its schema", async () => {
    const { object } = await generateObject({
      model: provider().chatModel("gpt-4o-mini"),
      schema: jsonSchema<{ x: number; name: string }>(pointSchema),
      prompt: "A point.",
      maxRetries: 0,
    });
    expect(object).toMatchObject({ x: expect.any(Number), name: expect.any(String) });
  });

  it("calls a tool and goes on with its result", async () => {
    const { steps } = await generateText({
      model: provider().chatModel("gpt-4o-mini"),
      prompt: "Mark a point.",
      maxOutputTokens: 300,
      maxRetries: 0,
      toolChoice: "required",
      tools: {
        point: tool({
          description: "Marks a point.",
          inputSchema: jsonSchema<{ x: number; name: string }>(pointSchema),
          execute: async ({ name }) => `marked ${name}`,
        }),
      },
    });
    expect(steps[0]?.toolResults.length).toBeGreaterThan(0);
    expect(steps[0]?.toolCalls[0]?.toolName).toBe("point");
  });

  it("completes, and embeds many", async () => {
    const { text } = await generateText({
      model: provider().completionModel("gpt-3.5-turbo-instruct"),
      prompt: "Once",
      maxOutputTokens: 5,
      maxRetries: 0,
    });
    expect(typeof text).toBe("string");
    const { embeddings } = await embedMany({
      model: provider().embeddingModel("text-embedding-3-small"),
      values: ["a", "b", "c"],
      maxRetries: 0,
    });
    expect(embeddings.map((vector) => vector.length)).toEqual([128, 128, 128]);
  });
});
