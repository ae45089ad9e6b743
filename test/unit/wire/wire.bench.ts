// Measures the time of validation and mapping per request and per token. Run: npx vitest bench test/unit/wire --run
import { bench, describe } from "vitest";
import { createChatChunkMapper } from "../../../src/wire/openai/chat/to-chunks.ts";
import { toChatRequest } from "../../../src/wire/openai/chat/to-domain.ts";
import { embeddingResponseParts } from "../../../src/wire/openai/embeddings/map.ts";
import { parseRequest } from "../../../src/wire/contract/parse-request.ts";
import { chatCompletionContract } from "../../../src/wire/openai/chat/contract.ts";
import { chatContext } from "./support/text-events.ts";

const typical = {
  model: "org/model",
  messages: [
    { role: "system", content: "You are a helpful assistant." },
    { role: "user", content: "Please say hello." },
  ],
  temperature: 0.7,
  top_p: 0.9,
  n: 1,
  stream: true,
  stream_options: { include_usage: true },
  stop: ["\n"],
  max_tokens: 1000,
  presence_penalty: 0,
  frequency_penalty: 0,
  logit_bias: {},
  user: "user-123",
};

describe("chat", () => {
  bench("validate a typical request", () => {
    parseRequest(chatCompletionContract, typical);
  });

  bench("validate and map a typical request", () => {
    toChatRequest(parseRequest(chatCompletionContract, typical));
  });

  const toChunkData = createChatChunkMapper(chatContext(), { includeUsage: true, includeObfuscation: false });
  bench("one chunk as text", () => {
    toChunkData({ type: "text-delta", choice: 0, text: " hello" });
  });

  bench("one chunk as an object through JSON.stringify", () => {
    JSON.stringify({
      id: "chatcmpl-1",
      object: "chat.completion.chunk",
      created: 1_700_000_000,
      model: "org/model",
      system_fingerprint: "fp_1",
      choices: [{ index: 0, delta: { content: " hello" }, logprobs: null, finish_reason: null }],
      usage: null,
    });
  });
});

describe("64 embeddings of 384 dimensions", () => {
  const vectors = Float32Array.from({ length: 64 * 384 }, (_, i) => Math.sin(i * 12.9898) / 20);
  const result = { vectors, dimensions: 384, promptTokens: 64, timings: { queueMs: 0, tokenizeMs: 0, inferenceMs: 0 } };

  bench("float", () => {
    for (const _part of embeddingResponseParts(result, { model: "m", encoding: "float" })) continue;
  });

  bench("base64", () => {
    for (const _part of embeddingResponseParts(result, { model: "m", encoding: "base64" })) continue;
  });

  bench("the same rows through JSON.stringify of doubles", () => {
    JSON.stringify(Array.from({ length: 64 }, (_, i) => [...vectors.subarray(i * 384, (i + 1) * 384)]));
  });
});
