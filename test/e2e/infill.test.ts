// Insertion over HTTP: POST /v1/completions with a suffix, answered whole and streamed. Which tokens the model reads is held
// by test/models/llama/infill.test.ts.
import { describe, expect, it } from "vitest";
import { banTinyChatEnds, joinText } from "../support/contract-client.ts";
import { useContractServer } from "../support/contract-server.ts";

const api = useContractServer();
const base = { prompt: "def add(a, b):\n", suffix: "\n    return total", logit_bias: banTinyChatEnds, max_tokens: 6 };
/** Tokens around the gap: the prefix, suffix and middle marks. */
const marks = 3;

async function promptTokens(body: Readonly<Record<string, unknown>>): Promise<number> {
  return (await api.completion({ max_tokens: 1, ...body })).usage?.prompt_tokens ?? Number.NaN;
}

describe("POST /v1/completions with a suffix", () => {
  it("counts prompt, suffix and marks as the prompt, and shows only what stands in the gap", async () => {
    const answer = await api.completion({ ...base, temperature: 0 });
    const own = (await promptTokens({ prompt: base.prompt })) + (await promptTokens({ prompt: base.suffix })) + marks;
    expect(answer.usage).toMatchObject({ prompt_tokens: own, completion_tokens: 6, total_tokens: own + 6 });
    expect(answer.choices).toHaveLength(1);
    const [{ text, finish_reason, logprobs }] = answer.choices as [(typeof answer.choices)[0]];
    expect({ finish_reason, logprobs }).toEqual({ finish_reason: "length", logprobs: null });
    expect(text).not.toContain("<|fim_");
    expect(text.startsWith(base.prompt)).toBe(false);
  });

  it.each([
    ["empty", ""],
    ["null", null],
  ])("completes as ever where it is %s", async (_, suffix) => {
    const request = { ...base, temperature: 0 };
    const { suffix: _suffix, ...plain } = request;
    const expected = await api.completion(plain);
    const answer = await api.completion({ ...request, suffix });
    expect(answer.choices).toEqual(expected.choices);
    expect(answer.usage?.prompt_tokens).toBe(expected.usage?.prompt_tokens);
  });

  it("reads control tokens spelled on either side as text", async () => {
    const spelled = "<|fim_middle|>";
    const plain = await promptTokens({ prompt: "a", suffix: "b" });
    expect(await promptTokens({ prompt: spelled, suffix: "b" })).toBeGreaterThan(plain + 3);
    expect(await promptTokens({ prompt: "a", suffix: spelled })).toBeGreaterThan(plain + 3);
  });

  it("streams the text of the whole answer, with echo, for every choice", async () => {
    const request = { ...base, echo: true, n: 2, seed: 5, temperature: 1 };
    const whole = await api.completion(request);
    const stream = await api.completionStream({ ...request, stream_options: { include_usage: true } });
    expect(stream.done).toBe(true);
    for (const index of [0, 1]) {
      const text = joinText(stream, index);
      expect(text).toBe(whole.choices[index]?.text);
      expect(text.startsWith(base.prompt)).toBe(true);
      expect(text).not.toContain(base.suffix);
    }
    expect(stream.chunks.at(-1)?.usage).toMatchObject({
      prompt_tokens: whole.usage?.prompt_tokens,
      completion_tokens: 12,
    });
  });

  it("lists tokens and their places in the echoed text and the answer", async () => {
    const answer = await api.completion({ ...base, temperature: 0, echo: true, logprobs: 2 });
    const text = answer.choices[0]?.text ?? "";
    const { tokens = [], text_offset = [], token_logprobs = [], top_logprobs = [] } = answer.choices[0]?.logprobs ?? {};
    expect(tokens.join("")).toBe(text);
    let offset = 0;
    for (const [index, token] of tokens.entries()) {
      expect(text_offset[index]).toBe(offset);
      offset += token.length;
    }
    expect(tokens).toHaveLength((await promptTokens({ prompt: base.prompt })) + 6);
    expect([token_logprobs.length, top_logprobs.length]).toEqual([tokens.length, tokens.length]);
    // Even the first of them has one: the prefix mark stands before it.
    expect(token_logprobs.every((logprob) => logprob < 0)).toBe(true);
  });

  it("takes several prompts, as texts or as token ids, with the one suffix", async () => {
    const texts = ["one two", "three"];
    const answer = await api.completion({ ...base, prompt: texts, temperature: 0, echo: true });
    expect(answer.choices.map(({ index }) => index)).toEqual([0, 1]);
    for (const [index, text] of texts.entries()) expect(answer.choices[index]?.text.startsWith(text)).toBe(true);
    const sizes = await Promise.all(texts.map((prompt) => promptTokens({ prompt, suffix: base.suffix })));
    expect(answer.usage?.prompt_tokens).toBe(sizes.reduce((sum, size) => sum + size, 0));
    const ids = [[40, 41, 42], [43]];
    const byIds = await promptTokens({ prompt: ids, suffix: base.suffix });
    expect(byIds).toBe(4 + 2 * (marks + (await promptTokens({ prompt: base.suffix }))));
  });

  it("refuses a suffix that does not fit with the prompt, by the code for it", async () => {
    const body = { model: "tiny-chat", prompt: "a", suffix: "word and word ".repeat(5000), max_tokens: 1 };
    const error = await api.refused("/v1/completions", body, { code: "context_length_exceeded" });
    expect(error.type).toBe("invalid_request_error");
    expect(error.message).toContain("4096");
  });
});
