import { describe, expect, it, vi } from "vitest";
import { parseRequest } from "../../../../src/wire/contract/parse-request.ts";
import { chatCompletionContract } from "../../../../src/wire/openai/chat/contract.ts";
import { completionContract } from "../../../../src/wire/openai/completions/contract.ts";
import { embeddingContract } from "../../../../src/wire/openai/embeddings/contract.ts";
import { imageContract } from "../../../../src/wire/openai/images/generation.ts";
import { warmUpSchemas } from "../../../../src/wire/openai/warm-up.ts";

describe("warmUpSchemas", () => {
  it("builds the schemas that the first request would otherwise build", async () => {
    const contracts = [chatCompletionContract, completionContract, embeddingContract, imageContract];
    const builders = contracts.map((contract) => vi.spyOn(contract, "schema"));
    await warmUpSchemas(new AbortController().signal);
    const built = builders.map((builder) => builder.mock.results[0]?.value as unknown);
    // Each schema was asked for, and later requests are read with the same one.
    expect(built).toEqual(contracts.map((contract) => contract.schema()));
    for (const [index, contract] of contracts.entries()) expect(contract.schema()).toBe(built[index]);
    const request = { model: "m", messages: [{ role: "user", content: "x" }] };
    expect(parseRequest(chatCompletionContract, request)).toEqual(request);
    expect(parseRequest(completionContract, { model: "m", prompt: "x" })).toEqual({ model: "m", prompt: "x" });
  });

  it("stops when the server does", async () => {
    await expect(warmUpSchemas(AbortSignal.abort())).rejects.toThrow(expect.objectContaining({ name: "AbortError" }));
  });
});
