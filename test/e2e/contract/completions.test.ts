// POST /v1/completions, in full: prompt forms, echo, log-probabilities, best_of, suffix, limits.
import { describe, expect, it } from "vitest";
import { banTinyChatEnds } from "../../support/contract-client.ts";
import { useContractServer } from "../../support/contract-server.ts";
import { readGolden } from "../../support/goldens.ts";
import { storyModel } from "../../support/story-model.ts";

const api = useContractServer({ flags: { model: [`org/stories=${storyModel}`] } });
const path = "/v1/completions";
const base = { model: "tiny-chat", prompt: "Once upon a time" };

describe("the shape of an answer", () => {
  it("has every field of OpenAI's object", async () => {
    const answer = await api.completion({ model: "gpt-3.5-turbo-instruct" });
    expect(answer).toMatchObject({ object: "text_completion", model: "gpt-3.5-turbo-instruct" });
    expect(answer.id).toMatch(/^cmpl-\w{20,}$/);
    expect(Math.abs(answer.created - Date.now() / 1000)).toBeLessThan(30);
    expect(answer.choices[0]).toMatchObject({ index: 0, logprobs: null });
    expect(answer.usage?.total_tokens).toBe(
      (answer.usage?.prompt_tokens ?? 0) + (answer.usage?.completion_tokens ?? 0),
    );
  });

  it("generates 16 tokens by default, and ends with length", async () => {
    const end = await api.completion({ max_tokens: undefined, logit_bias: banTinyChatEnds });
    expect(end.usage?.completion_tokens).toBe(16);
    expect(end.choices[0]?.finish_reason).toBe("length");
    expect((await api.completion({ max_tokens: null, temperature: 0 })).usage?.completion_tokens).toBeLessThanOrEqual(
      16,
    );
  });

  it("generates nothing at max_tokens 0", async () => {
    const answer = await api.completion({ max_tokens: 0 });
    expect(answer.choices[0]?.text).toBe("");
    expect(answer.usage?.completion_tokens).toBe(0);
  });
});

describe("prompts", () => {
  it("may be a string, strings, token ids, or lists of token ids", async () => {
    const text = await api.completion({ prompt: "Once", temperature: 0, logprobs: 0, echo: true, max_tokens: 4 });
    const texts = await api.completion({ prompt: ["Once", "Once"], temperature: 0, echo: true, max_tokens: 4 });
    expect(texts.choices.map((choice) => choice.text)).toEqual([text.choices[0]?.text, text.choices[0]?.text]);
    const ids = await api.completion({ prompt: [300, 301, 302], temperature: 0, max_tokens: 4 });
    const lists = await api.completion({
      prompt: [
        [300, 301, 302],
        [300, 301, 302],
      ],
      temperature: 0,
      max_tokens: 4,
    });
    expect(lists.choices.map((choice) => choice.text)).toEqual([ids.choices[0]?.text, ids.choices[0]?.text]);
    expect(ids.usage?.prompt_tokens).toBe(3);
    expect(lists.usage?.prompt_tokens).toBe(6);
  });

  it("number their choices prompt by prompt", async () => {
    const answer = await api.completion({ prompt: ["Aaa", "Bbb", "Ccc"], n: 2, echo: true, max_tokens: 2 });
    expect(answer.choices.map((choice) => choice.index)).toEqual([0, 1, 2, 3, 4, 5]);
    expect(answer.choices.map((choice) => choice.text.slice(0, 3))).toEqual(["Aaa", "Aaa", "Bbb", "Bbb", "Ccc", "Ccc"]);
  });

  it("may be empty text", async () => {
    await api.completion({ prompt: "" });
    await api.completion({ prompt: ["", "x"], max_tokens: 2 });
  });

  it.each([
    ["prompt", undefined],
    ["prompt", null],
    ["prompt", []],
    ["prompt", 5],
    ["prompt", {}],
    ["prompt", [[]]],
    ["prompt[1]", ["a", 1]],
    ["prompt[1]", [1, "a"]],
    ["prompt[0]", [1.5]],
    ["prompt[0]", [-1]],
    ["prompt[1]", [1, 99_999_999]],
    ["prompt[1][0]", [[1], [99_999_999]]],
    ["prompt[0]", [null]],
    ["prompt[0]", [{ a: 1 }]],
  ])("name %s when %j is at fault", async (param, prompt) => {
    await api.refused(path, { model: "tiny-chat", prompt }, { param });
  });

  it("over the context are refused with the counts", async () => {
    const error = await api.refused(
      path,
      { ...base, prompt: "word ".repeat(9000) },
      { code: "context_length_exceeded" },
    );
    expect(error.message).toContain("4096");
  });
});

describe("echo and logprobs", () => {
  it("echo puts the prompt before the text", async () => {
    const [plain, echoed] = [
      await api.completion({ temperature: 0 }),
      await api.completion({ temperature: 0, echo: true }),
    ];
    expect(echoed.choices[0]?.text).toBe(`Once upon a time${plain.choices[0]?.text ?? ""}`);
    expect(echoed.usage).toMatchObject({ completion_tokens: plain.usage?.completion_tokens });
  });

  it("logprobs have four lists of one length that fit the text", async () => {
    const answer = await api.completion({ temperature: 0, logprobs: 3, max_tokens: 10 });
    const logprobs = answer.choices[0]?.logprobs;
    const tokens = logprobs?.tokens ?? [];
    expect(tokens.join("")).toBe(answer.choices[0]?.text);
    expect(logprobs?.token_logprobs).toHaveLength(tokens.length);
    expect(logprobs?.text_offset).toHaveLength(tokens.length);
    expect(logprobs?.top_logprobs).toHaveLength(tokens.length);
    for (const [index, top] of (logprobs?.top_logprobs ?? []).entries()) {
      expect(Object.keys(top).length).toBeGreaterThanOrEqual(3);
      expect(Object.keys(top).length).toBeLessThanOrEqual(4);
      expect(top[tokens[index] ?? ""]).toBeCloseTo(logprobs?.token_logprobs?.[index] ?? 1, 6);
    }
    let offset = 0;
    for (const [index, token] of tokens.entries()) {
      expect(logprobs?.text_offset?.[index]).toBe(offset);
      offset += [...token].length;
    }
  });

  it("logprobs 0 lists the tokens with their log-probabilities", async () => {
    const answer = await api.completion({ logprobs: 0, max_tokens: 3 });
    const logprobs = answer.choices[0]?.logprobs;
    expect(logprobs?.tokens?.length).toBeGreaterThan(0);
    for (const value of logprobs?.token_logprobs ?? []) expect(value).toBeLessThanOrEqual(0);
  });

  it("scores a prompt with echo, logprobs and max_tokens 0", async () => {
    const answer = await api.completion({ echo: true, logprobs: 1, max_tokens: 0 });
    const logprobs = answer.choices[0]?.logprobs;
    expect(answer.choices[0]?.text).toBe("Once upon a time");
    expect(logprobs?.tokens?.join("")).toBe("Once upon a time");
    expect(logprobs?.token_logprobs?.[0]).toBeNull();
    expect(logprobs?.token_logprobs?.slice(1).every((value) => value <= 0)).toBe(true);
    expect(answer.usage?.completion_tokens).toBe(0);
  });

  it.each([6, -1, "2", true, 1.5])("refuses logprobs %j", async (logprobs) => {
    await api.refused(path, { ...base, logprobs }, { param: "logprobs" });
  });
});

describe("n, best_of, suffix, stop", () => {
  it("best_of answers with n of its candidates", async () => {
    const answer = await api.completion({ n: 2, best_of: 4, max_tokens: 5, seed: 3 });
    expect(answer.choices.map((choice) => choice.index)).toEqual([0, 1]);
    expect(answer.usage?.completion_tokens).toBeGreaterThanOrEqual(10);
  });

  it.each([
    ["best_of", { best_of: 21 }],
    ["best_of", { best_of: -1 }],
    ["best_of", { n: 3, best_of: 2 }],
    ["best_of", { best_of: 2, stream: true }],
    ["n", { n: 0 }],
    ["n", { n: 129 }],
    ["max_tokens", { max_tokens: -1 }],
    ["max_tokens", { max_tokens: 1.5 }],
    ["temperature", { temperature: 2.5 }],
    ["stop", { stop: ["a", "b", "c", "d", "e"] }],
    ["stop[1]", { stop: ["a", 5] }],
    ["echo", { echo: "yes" }],
    ["suffix", { suffix: 5 }],
    ["stream", { stream: "yes" }],
    ["presence_penalty", { presence_penalty: 3 }],
    ["frequency_penalty", { frequency_penalty: -3 }],
    ["logit_bias", { logit_bias: { "1": 200 } }],
  ])("refuses a wrong %s: %j", async (param, body) => {
    await api.refused(path, { ...base, ...body }, { param });
  });

  it("takes a suffix where the model fills in the middle", async () => {
    const answer = await api.completion({ suffix: " and they lived happily.", max_tokens: 5 });
    expect(answer.usage?.prompt_tokens).toBeGreaterThan(6);
  });

  it("never shows the stop string", async () => {
    const whole = (await api.completion({ temperature: 0, max_tokens: 40 })).choices[0]?.text ?? "";
    const stop = whole.slice(8, 13);
    const answer = await api.completion({ temperature: 0, max_tokens: 40, stop: [stop], logprobs: 1 });
    expect(answer.choices[0]?.text).toBe(whole.slice(0, whole.indexOf(stop)));
    expect(answer.choices[0]?.finish_reason).toBe("stop");
    expect(answer.choices[0]?.logprobs?.tokens?.join("")).not.toContain(stop);
  });

  it("takes null for every nullable field", async () => {
    await api.completion({
      best_of: null,
      echo: null,
      frequency_penalty: null,
      logit_bias: null,
      logprobs: null,
      max_tokens: null,
      n: null,
      presence_penalty: null,
      seed: null,
      stop: null,
      stream: null,
      stream_options: null,
      suffix: null,
      temperature: null,
      top_p: null,
      user: null,
    });
  });
});

describe("a model without a template under an id with a slash", () => {
  const model = "org/stories";

  it("continues the golden story", async () => {
    const { prompt, text, tokens } = readGolden("story").greedy[0]!;
    const answer = await api.completion({ model, prompt, temperature: 0, max_tokens: tokens.length });
    expect(answer.model).toBe(model);
    expect(answer.choices[0]?.text).toBe(text);
  });

  it("chats although it has no template of its own", async () => {
    expect((await api.chat({ model, max_tokens: 5 })).choices).toHaveLength(1);
  });

  it("refuses a suffix, which it cannot use, by name", async () => {
    await api.refused(path, { model, prompt: "a", suffix: "b" }, { param: "suffix" });
  });

  it("refuses max_tokens beyond the context, with the counts", async () => {
    const error = await api.refused(
      path,
      { model, prompt: "Once", max_tokens: 100_000 },
      { code: "context_length_exceeded" },
    );
    expect(error.message).toMatch(/\d+ tokens/);
  });

  it("is found by its id in the model list, plain and encoded", async () => {
    for (const id of [model, encodeURIComponent(model)]) {
      const answer = await api.send<{ id: string }>(`/v1/models/${id}`);
      expect(answer.status).toBe(200);
      expect(answer.body.id).toBe(model);
    }
  });
});
