// Chats with the bundled model, which has what the story model lacks: control tokens, and markup of calls in its template.
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createLlamaBackend } from "../../../src/backends/llama/backend.ts";
import type { Backend } from "../../../src/domain/backend.ts";
import type { ToolDefinition } from "../../../src/domain/chat.ts";
import type { OutputConstraint } from "../../../src/domain/sampling.ts";
import { chat, complete, readAcceptance, readRest, streamChat, testContext, textSpec } from "../../support/llama.ts";

const path = fileURLToPath(new URL("../../../models/tiny-chat/tiny-chat.gguf", import.meta.url));
const token = { firstControl: 1528, start: 1529, end: 1530, fimPrefix: 1531, toolCall: 1534 };

let backend: Backend;
beforeAll(async () => {
  backend = await createLlamaBackend(textSpec(path, { parallel: 2, batchSize: 32 }), testContext());
});
afterAll(() => backend.dispose());

describe("control tokens under a grammar", () => {
  // With a bias of 100 these tokens are sampled wherever they can be.
  const wanted = { temperature: 1, seed: 3, logitBias: [[token.start, 100] as const, [token.fimPrefix, 100] as const] };
  const text: OutputConstraint = {
    type: "json-schema",
    name: "x",
    schema: { type: "object", properties: { a: { type: "string", minLength: 30 } }, required: ["a"] },
    strict: true,
  };

  it.each([
    ["json_object", { type: "json-object" }],
    ["a schema", text],
    ["a caller's grammar", { type: "grammar", grammar: 'root ::= "\\"" [^"]{20} "\\""' }],
  ] satisfies [string, OutputConstraint][])("never stand for the characters of %s", async (_, constraint) => {
    const request = { constraint, sampling: wanted, topLogprobs: 0, limits: { maxTokens: 60, stop: [] } };
    const answers = [await chat(backend, { ...request, n: 2 }), await complete(backend, request)];
    for (const { choices, usage } of answers) {
      const tokens = choices.flatMap(({ logprobs }) => logprobs);
      expect(tokens.length).toBeGreaterThan(5);
      expect(tokens.length).toBeGreaterThanOrEqual(usage.completionTokens - choices.length);
      expect(tokens.filter(({ id }) => id >= token.firstControl && id !== token.end)).toEqual([]);
    }
  });

  it("are sampled where a caller's grammar names them", async () => {
    const constraint: OutputConstraint = { type: "grammar", grammar: 'root ::= "a<|im_start|>b"' };
    const { choices } = await complete(backend, { constraint, sampling: wanted, topLogprobs: 0 });
    expect(choices[0]!.logprobs.map(({ id }) => id)).toContain(token.start);
  });
});

describe("a call that max_tokens cuts off", () => {
  const note: ToolDefinition = {
    name: "note",
    parameters: {
      type: "object",
      properties: { n: { type: "integer" } },
      required: ["n"],
      additionalProperties: false,
    },
    strict: true,
  };
  // The marker of a call is sampled first; the grammar then allows no second one.
  const sampling = { temperature: 0, logitBias: [[token.toolCall, 100] as const] };

  it.each([
    ["auto", { type: "auto" }],
    ["required", { type: "required" }],
  ] as const)("shows its name and what there is of its arguments, under %s", async (_, toolChoice) => {
    const request = { tools: [note], toolChoice, parallelToolCalls: false, sampling };
    const whole = await chat(backend, { ...request, limits: { maxTokens: 100, stop: [] } });
    expect(whole.choices[0]!).toMatchObject({ text: "", calls: [{ name: "note" }], finish: "tool-calls" });
    const complete_ = whole.choices[0]!.calls[0]!.arguments;
    const seen = { nothing: 0, begun: 0 };
    for (let maxTokens = 1; maxTokens < whole.usage.completionTokens; maxTokens += 1) {
      const { choices } = await chat(backend, { ...request, limits: { maxTokens, stop: [] } });
      const { text, calls, finish } = choices[0]!;
      expect(text, `${maxTokens} tokens`).toBe("");
      expect(complete_.startsWith(calls[0]?.arguments ?? "")).toBe(true);
      if (calls.length === 0) seen.nothing += 1;
      else if (calls[0]!.arguments !== complete_) seen.begun += 1;
      if (calls[0]?.arguments !== complete_) expect(finish).toBe("length");
    }
    expect(seen.nothing).toBeGreaterThan(1);
    expect(seen.begun).toBeGreaterThan(1);
  });
});

describe("a caller who leaves while the prompt is being read", () => {
  it("frees the slot and changes no other answer", async () => {
    // Some 1,500 tokens in batches of 32: far more steps than it takes to leave.
    const words = Array.from({ length: 260 }, (_, index) => `word ${index}`).join(" ");
    const message = (text: string) => [{ role: "user" as const, content: [{ type: "text" as const, text }] }];
    const alone = await chat(backend, { limits: { maxTokens: 8, stop: [] } });
    const caller = new AbortController();
    const leaving = streamChat(backend, { messages: message(words) }, caller.signal);
    const promptTokens = await readAcceptance(leaving);
    const read = readRest(leaving);
    const beside = chat(backend, { limits: { maxTokens: 8, stop: [] } });
    await new Promise((resolve) => setImmediate(resolve));
    caller.abort(new Error("gone"));
    await expect(read).rejects.toThrow("gone");
    expect((await beside).choices[0]!.text).toBe(alone.choices[0]!.text);
    // Both slots are free: two callers are served side by side. The prompt had not been read to its end.
    const again = await Promise.all([
      chat(backend, { messages: message(words), limits: { maxTokens: 2, stop: [] } }),
      chat(backend, { limits: { maxTokens: 8, stop: [] } }),
    ]);
    expect(again[0].usage.cachedTokens).toBeLessThan(promptTokens - 200);
    expect(again[1].choices[0]!.text).toBe(alone.choices[0]!.text);
  });
});
