// The names of each of OpenAI's endpoints for the fields that backends name by the domain's paths.
import { describe, expect, it } from "vitest";
import type { RequestContract } from "../../../../src/wire/contract/contract.ts";
import { parseRequest } from "../../../../src/wire/contract/parse-request.ts";
import { chatCompletionContract } from "../../../../src/wire/openai/chat/contract.ts";
import { toChatParam } from "../../../../src/wire/openai/chat/params.ts";
import { toChatRequest } from "../../../../src/wire/openai/chat/to-domain.ts";
import { completionContract } from "../../../../src/wire/openai/completions/contract.ts";
import { toCompletionParam } from "../../../../src/wire/openai/completions/params.ts";
import { toCompletionRequest } from "../../../../src/wire/openai/completions/to-domain.ts";
import { embeddingContract } from "../../../../src/wire/openai/embeddings/contract.ts";
import { toEmbeddingRequest } from "../../../../src/wire/openai/embeddings/map.ts";
import { toEmbeddingParam } from "../../../../src/wire/openai/embeddings/params.ts";
import { imageEditContract } from "../../../../src/wire/openai/images/edit.ts";
import { toImageParam } from "../../../../src/wire/openai/images/params.ts";
import { toImageEditRequest } from "../../../../src/wire/openai/images/to-domain.ts";
import { rerankContract } from "../../../../src/wire/rerank/contract.ts";
import { toRerankParam, toRerankRequest } from "../../../../src/wire/rerank/map.ts";

type Fields = Readonly<Record<string, unknown>>;

/** The function that names a path for an endpoint's smallest body with `fields`. */
function namer<T>(
  contract: RequestContract<T>,
  { smallest, toParam }: { readonly smallest: Fields; readonly toParam: (path: string, body: T) => string },
): (path: string, fields?: Fields) => string {
  return (path, fields = {}) => toParam(path, parseRequest(contract, { ...smallest, ...fields }));
}

const chat = namer(chatCompletionContract, {
  smallest: { model: "m", messages: [{ role: "user", content: "hi" }] },
  toParam: toChatParam,
});
const completion = namer(completionContract, { smallest: { model: "m", prompt: "p" }, toParam: toCompletionParam });
const embedding = namer(embeddingContract, { smallest: { input: "x" }, toParam: toEmbeddingParam });

const functions = [{ name: "f" }];
const tools = [{ type: "function", function: { name: "f" } }];

describe("chat", () => {
  it.each<[string, string, Fields]>([
    ["messages", "messages", {}],
    ["messages[0].content[1]", "messages[0].content[1]", {}],
    ["messages[2].toolCalls[1].arguments", "messages[2].tool_calls[1].function.arguments", {}],
    ["messages[2].toolCalls", "messages[2].tool_calls", {}],
    ["messages[2].toolCallId", "messages[2].tool_call_id", {}],
    ["tools", "tools", { tools }],
    ["tools[2].parameters", "tools[2].function.parameters", { tools }],
    ["tools[2].parameters", "functions[2].parameters", { functions }],
    ["tools[2].name", "tools[2].function.name", { tools }],
    ["tools[2].name", "functions[2].name", { functions }],
    ["toolChoice", "tool_choice", { tools }],
    ["toolChoice", "function_call", { functions }],
    ["constraint.grammar", "grammar", { grammar: "root ::= x" }],
    ["constraint", "grammar", { grammar: "root ::= x" }],
    ["constraint", "response_format", { response_format: { type: "json_object" } }],
    ["constraint.schema", "response_format.json_schema.schema", {}],
    ["constraint.schema.properties.a", "response_format.json_schema.schema.properties.a", {}],
    ["sampling.logitBias", "logit_bias", {}],
    ["limits.stop", "stop", {}],
    ["limits.stop[1]", "stop[1]", {}],
    ["limits.maxTokens", "max_tokens", { max_tokens: 3 }],
    ["limits.maxTokens", "max_completion_tokens", { max_completion_tokens: 3 }],
    ["templateKwargs.bos_token", "chat_template_kwargs.bos_token", {}],
    ["model", "model", {}],
  ])("writes %s as %s", (path, name, fields) => {
    expect(chat(path, fields)).toBe(name);
  });
});

describe("completions", () => {
  it.each<[string, string, Fields]>([
    ["prompts", "prompt", {}],
    ["prompts[0]", "prompt", {}],
    ["prompts[0][7]", "prompt[7]", { prompt: [1, 2] }],
    ["prompts[1]", "prompt[1]", { prompt: ["a", "b"] }],
    ["prompts[1][7]", "prompt[1][7]", { prompt: [[1], [2]] }],
    ["suffix", "suffix", {}],
    ["sampling.logitBias", "logit_bias", {}],
    ["limits.maxTokens", "max_tokens", {}],
    ["constraint.grammar", "grammar", {}],
    ["constraint.schema", "response_format.json_schema.schema", {}],
  ])("writes %s as %s", (path, name, fields) => {
    expect(completion(path, fields)).toBe(name);
  });
});

describe("embeddings", () => {
  it.each<[string, string, Fields]>([
    ["inputs", "input", {}],
    ["inputs[0]", "input", {}],
    ["inputs[0][7]", "input[7]", { input: [1, 2] }],
    ["inputs[3]", "input[3]", { input: ["a", "b"] }],
    ["inputs[3][7]", "input[3][7]", { input: [[1], [2]] }],
    ["dimensions", "dimensions", {}],
  ])("writes %s as %s", (path, name, fields) => {
    expect(embedding(path, fields)).toBe(name);
  });
});

describe("names that are OpenAI's already", () => {
  it.each(["logit_bias", "tool_choice", "tools[2].function.parameters", "grammar", "chat_template_kwargs.x"])(
    "%s stays in a chat",
    (name) => {
      expect(chat(name, { tools })).toBe(name);
    },
  );

  it("stay everywhere else", () => {
    expect(chat("functions[0].parameters", { functions })).toBe("functions[0].parameters");
    for (const name of ["prompt", "prompt[1]", "prompt[1][2]", "suffix"]) expect(completion(name)).toBe(name);
    for (const name of ["input", "input[1]", "input[1][2]"]) expect(embedding(name)).toBe(name);
    for (const name of ["negative_prompt", "guidance_scale", "mask"]) expect(toImageParam(name)).toBe(name);
  });
});

describe("every field of a domain request", () => {
  const picture = Uint8Array.of(1);
  const sampling = {
    temperature: 1,
    top_p: 1,
    top_k: 1,
    min_p: 0,
    presence_penalty: 0,
    frequency_penalty: 0,
    repeat_penalty: 1,
    logit_bias: { "1": 1 },
    seed: 1,
  };
  const chatBody = {
    model: "m",
    messages: [{ role: "user", content: "hi" }],
    ...sampling,
    max_tokens: 3,
    reasoning_effort: "low",
    prediction: { type: "content", content: "x" },
    response_format: { type: "json_object" },
  };
  const completionBody = { model: "m", prompt: "p", suffix: "s", ...sampling };
  const embeddingBody = { input: "x", dimensions: 1, input_type: "query" };
  const imageBody = {
    prompt: "p",
    negative_prompt: "n",
    size: "8x8",
    steps: 1,
    guidance_scale: 1,
    seed: 1,
    scheduler: "euler",
    image: picture,
    mask: picture,
    strength: 1,
  };
  const rerankBody = { model: "m", query: "q", documents: ["d"] };

  it.each<[string, readonly string[], object, (path: string) => string]>([
    [
      "chat",
      Object.keys(chatCompletionContract.fields),
      toChatRequest(parseRequest(chatCompletionContract, chatBody)),
      (path) => chat(path, chatBody),
    ],
    [
      "completions",
      Object.keys(completionContract.fields),
      toCompletionRequest(parseRequest(completionContract, completionBody)),
      (path) => completion(path, completionBody),
    ],
    [
      "embeddings",
      Object.keys(embeddingContract.fields),
      toEmbeddingRequest(parseRequest(embeddingContract, embeddingBody)),
      (path) => embedding(path, embeddingBody),
    ],
    [
      "images",
      // The domain has one image request for both endpoints; `style` is a field of generations only.
      [...Object.keys(imageEditContract.fields), "style"],
      toImageEditRequest(parseRequest(imageEditContract, imageBody)),
      toImageParam,
    ],
    [
      "rerank",
      Object.keys(rerankContract.fields),
      toRerankRequest(parseRequest(rerankContract, rerankBody)),
      toRerankParam,
    ],
  ])("has the name of a field of %s", (_, fields, request, toParam) => {
    const paths = Object.entries(request).flatMap(([field, value]) =>
      field === "sampling" || field === "limits"
        ? Object.keys(value as object).map((key) => `${field}.${key}`)
        : [field],
    );
    expect(paths.length).toBeGreaterThan(1);
    expect(paths.filter((path) => !fields.includes(toParam(path)))).toEqual([]);
  });
});
