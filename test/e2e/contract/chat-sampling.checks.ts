// POST /v1/chat/completions: the effects of the sampling and limit fields on the text.
import { describe, expect, it } from "vitest";
import { banTinyChatEnds } from "../../support/contract-client.ts";
import { useContractServer } from "../../support/contract-server.ts";
import { blockDifference, logprobDifference, tinyChatSpread } from "../../support/tolerances.ts";

const api = useContractServer();
const path = "/v1/chat/completions";
const messages = [{ role: "user", content: "Say hello." }];
const base = { model: "tiny-chat", messages, max_tokens: 8 };

async function textOf(body: Record<string, unknown>): Promise<string> {
  return (await api.chat(body)).choices[0]?.message.content ?? "";
}

describe("seeds and temperature", () => {
  it("gives the same text for the same seed", async () => {
    const request = { seed: 11, temperature: 1.5, max_tokens: 24 };
    expect(await textOf(request)).toBe(await textOf(request));
  });

  it("gives another text for another seed", async () => {
    const texts = await Promise.all([1, 2, 3, 4].map((seed) => textOf({ seed, temperature: 1.5, max_tokens: 16 })));
    expect(new Set(texts).size).toBeGreaterThan(1);
  });

  it("is greedy at temperature 0, and so at top_p 0 and top_k 1", async () => {
    const greedy = await textOf({ temperature: 0, max_tokens: 16 });
    expect(await textOf({ temperature: 0, seed: 99, max_tokens: 16 })).toBe(greedy);
    expect(await textOf({ top_p: 0, seed: 5, max_tokens: 16 })).toBe(greedy);
    expect(await textOf({ top_k: 1, seed: 6, max_tokens: 16 })).toBe(greedy);
  });

  it("makes choice i of n with seed + i", async () => {
    const request = { temperature: 1.5, max_tokens: 12 };
    const several = await api.chat({ ...request, n: 3, seed: 40 });
    expect(several.choices.map((choice) => choice.index)).toEqual([0, 1, 2]);
    const single = await Promise.all([40, 41, 42].map((seed) => textOf({ ...request, seed })));
    expect(several.choices.map((choice) => choice.message.content)).toEqual(single);
  });
});

describe("n", () => {
  it("counts the prompt once and the completions of all choices", async () => {
    // Without its end tokens every choice has as many tokens as it may. Otherwise lengths could differ at a near tie, because
    // the slots' caches were computed in batches of different shapes.
    const one = await api.chat({ logit_bias: banTinyChatEnds });
    const three = await api.chat({ n: 3, logit_bias: banTinyChatEnds });
    expect(three.choices).toHaveLength(3);
    expect(three.usage?.prompt_tokens).toBe(one.usage?.prompt_tokens);
    expect(one.usage?.completion_tokens).toBe(8);
    expect(three.usage?.completion_tokens).toBe(24);
  });

  it("queues more choices than there are slots", async () => {
    const answer = await api.chat({ n: 12, max_tokens: 3 });
    expect(answer.choices.map((choice) => choice.index)).toEqual(Array.from({ length: 12 }, (_, index) => index));
    expect(answer.choices.every((choice) => choice.finish_reason !== null)).toBe(true);
  });
});

describe("limits", () => {
  it("ends with length at max_tokens", async () => {
    const answer = await api.chat({ max_tokens: 5, logit_bias: banTinyChatEnds });
    expect(answer.usage?.completion_tokens).toBe(5);
    expect(answer.choices[0]?.finish_reason).toBe("length");
  });

  it("reads max_completion_tokens as max_tokens, and prefers it", async () => {
    const newer = await api.chat({ max_tokens: undefined, max_completion_tokens: 3, logit_bias: banTinyChatEnds });
    expect(newer.usage?.completion_tokens).toBe(3);
    const both = await api.chat({ max_tokens: 9, max_completion_tokens: 4, logit_bias: banTinyChatEnds });
    expect(both.usage?.completion_tokens).toBe(4);
  });

  it("ends with stop when the model ends by itself", async () => {
    const forced = Object.fromEntries(Object.keys(banTinyChatEnds).map((id) => [id, 100]));
    const answer = await api.chat({ max_tokens: 20, logit_bias: forced });
    expect(answer.choices[0]?.finish_reason).toBe("stop");
    expect(answer.choices[0]?.message.content).toBe("");
  });

  it("refuses what does not fit into the context, with the real counts", async () => {
    const error = await api.refused(path, { ...base, max_tokens: 100_000 }, { code: "context_length_exceeded" });
    expect(error.message).toContain("4096");
    expect(error.type).toBe("invalid_request_error");
    const long = await api.refused(
      path,
      { ...base, messages: [{ role: "user", content: "word and word ".repeat(5000) }] },
      { code: "context_length_exceeded", param: "messages" },
    );
    expect(long.message).toMatch(/4096.*\d{4,}/s);
  });
});

describe("stop", () => {
  it("ends before the stop string, wherever in a token it begins", async () => {
    const whole = await textOf({ temperature: 0, max_tokens: 40 });
    for (const [from, to] of [
      [1, 4],
      [5, 6],
      [7, 15],
      [12, 20],
      [3, 23],
    ] as const) {
      const stop = whole.slice(from, to);
      const answer = await api.chat({ temperature: 0, max_tokens: 40, stop });
      const text = answer.choices[0]?.message.content ?? "";
      expect(text).toBe(whole.slice(0, whole.indexOf(stop)));
      expect(answer.choices[0]?.finish_reason).toBe("stop");
    }
  });

  it("takes up to four and obeys the first that comes", async () => {
    const whole = await textOf({ temperature: 0, max_tokens: 40 });
    const early = whole.slice(6, 9);
    const stop = ["\u0001never", whole.slice(20, 26), early, "\u0002"];
    expect(await textOf({ temperature: 0, max_tokens: 40, stop })).toBe(whole.slice(0, whole.indexOf(early)));
  });

  it("is not in the logprobs either", async () => {
    const whole = await textOf({ temperature: 0, max_tokens: 40 });
    const stop = whole.slice(9, 14);
    const answer = await api.chat({ temperature: 0, max_tokens: 40, stop, logprobs: true });
    const joined = (answer.choices[0]?.logprobs?.content ?? []).map((token) => token.token).join("");
    expect(joined).not.toContain(stop);
  });

  it("changes nothing when it never comes", async () => {
    const whole = await textOf({ temperature: 0, max_tokens: 20 });
    expect(await textOf({ temperature: 0, max_tokens: 20, stop: [`${whole}!`] })).toBe(whole);
  });

  it("never leaks in a stream, not even in parts", async () => {
    const whole = await textOf({ temperature: 0, max_tokens: 40 });
    const stop = whole.slice(4, 18);
    const stream = await api.chatStream({ temperature: 0, max_tokens: 40, stop });
    const pieces = stream.chunks.map((chunk) => chunk.choices[0]?.delta.content ?? "");
    expect(pieces.join("")).toBe(whole.slice(0, whole.indexOf(stop)));
  });
});

describe("logprobs", () => {
  it("lists every token with bytes that join to the content", async () => {
    const answer = await api.chat({ temperature: 0, max_tokens: 16, logprobs: true, top_logprobs: 5 });
    const [choice] = answer.choices;
    const tokens = choice?.logprobs?.content ?? [];
    expect(choice?.logprobs?.refusal).toBeNull();
    expect(Buffer.from(tokens.flatMap((token) => token.bytes ?? [])).toString()).toBe(choice?.message.content);
    expect(tokens.map((token) => token.token).join("")).toBe(choice?.message.content);
    for (const token of tokens) {
      expect(token.logprob).toBeLessThanOrEqual(0);
      expect(token.top_logprobs).toHaveLength(5);
      const values = token.top_logprobs.map((top) => top.logprob);
      expect(values).toEqual(values.toSorted((a, b) => b - a));
      // Greedy: the chosen token is the likeliest.
      expect(token.top_logprobs[0]?.token).toBe(token.token);
      expect(token.top_logprobs[0]?.logprob).toBeCloseTo(token.logprob, 6);
      expect(values.reduce((sum, value) => sum + Math.exp(value), 0)).toBeLessThanOrEqual(1.000001);
    }
  });

  it("has no alternatives with top_logprobs 0 or none, and up to 20", async () => {
    for (const [top, length] of [
      [undefined, 0],
      [0, 0],
      [1, 1],
      [20, 20],
    ] as const) {
      const answer = await api.chat({ max_tokens: 3, logprobs: true, top_logprobs: top });
      const tokens = answer.choices[0]?.logprobs?.content ?? [];
      expect(tokens.length).toBeGreaterThan(0);
      for (const token of tokens) expect(token.top_logprobs).toHaveLength(length);
    }
  });

  it("refuses top_logprobs over 20 and without logprobs", async () => {
    await api.refused(path, { ...base, logprobs: true, top_logprobs: 21 }, { param: "top_logprobs" });
    await api.refused(path, { ...base, logprobs: true, top_logprobs: -1 }, { param: "top_logprobs" });
    await api.refused(path, { ...base, top_logprobs: 2 }, { param: "top_logprobs" });
    await api.refused(path, { ...base, logprobs: false, top_logprobs: 2 }, { param: "top_logprobs" });
  });

  it("is null where it was not asked for", async () => {
    expect((await api.chat({ logprobs: false })).choices[0]?.logprobs).toBeNull();
  });

  it("reports the model's own probabilities, whatever the temperature", async () => {
    const [cold, hot] = await Promise.all(
      [0, 2].map((temperature) => api.chat({ temperature, max_tokens: 1, logprobs: true, top_logprobs: 3, seed: 1 })),
    );
    const tops = [cold, hot].map((answer) => answer?.choices[0]?.logprobs?.content?.[0]?.top_logprobs ?? []);
    expect(tops[0]).toHaveLength(3);
    expect(tops[0]?.map((top) => top.token)).toEqual(tops[1]?.map((top) => top.token));
    // The two prompts may be evaluated in one batch or in two, whose shapes differ.
    const relative = blockDifference(127);
    for (const [index, { logprob }] of (tops[0] ?? []).entries()) {
      const error = logprobDifference({ relative, spread: tinyChatSpread, logprob });
      expect(Math.abs(logprob - (tops[1]?.[index]?.logprob ?? Infinity))).toBeLessThan(error);
    }
  });
});

describe("logit_bias and penalties", () => {
  it("forces a token with +100 and bans one with -100", async () => {
    const forced = await textOf({ temperature: 0, max_tokens: 4, logit_bias: { "300": 100 } });
    const piece = forced.slice(0, forced.length / 4);
    expect(piece).not.toBe("");
    expect(forced).toBe(piece.repeat(4));
    const banned = await textOf({ temperature: 0, max_tokens: 4, logit_bias: { "300": -100 } });
    expect(banned).not.toContain(piece.repeat(2));
  });

  it("refuses a token outside the vocabulary by name", async () => {
    await api.refused(path, { ...base, logit_bias: { "1000000": 5 } }, { param: "logit_bias" });
  });

  it("lets penalties change the text, and 0 change nothing", async () => {
    const plain = await textOf({ temperature: 0, max_tokens: 40 });
    expect(await textOf({ temperature: 0, max_tokens: 40, presence_penalty: 0, frequency_penalty: 0 })).toBe(plain);
    // A bias of 12 gives way in the end to a penalty of 2 for each occurrence.
    const bias = { "300": 12 };
    const stuck = await textOf({ temperature: 0, max_tokens: 40, logit_bias: bias });
    const free = await textOf({ temperature: 0, max_tokens: 40, logit_bias: bias, frequency_penalty: 2 });
    expect(free).not.toBe(stuck);
  });
});
