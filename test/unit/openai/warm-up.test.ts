import { describe, expect, it } from "vitest";
import { parseRequest } from "../../../src/openai/parse-request.ts";
import { chatCompletionContract } from "../../../src/openai/schema/chat.ts";
import { warmUpSchemas } from "../../../src/openai/warm-up.ts";

describe("warmUpSchemas", () => {
  it("builds the schemas that the first request would otherwise build", async () => {
    await warmUpSchemas(new AbortController().signal);
    const schema = chatCompletionContract.schema();
    expect(
      parseRequest(chatCompletionContract, { model: "m", messages: [{ role: "user", content: "x" }] }),
    ).toBeDefined();
    expect(chatCompletionContract.schema()).toBe(schema);
  });

  it("stops when the server does", async () => {
    await expect(warmUpSchemas(AbortSignal.abort())).rejects.toThrow(expect.objectContaining({ name: "AbortError" }));
  });
});
