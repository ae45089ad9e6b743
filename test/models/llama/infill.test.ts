// Insertion between a prompt and a suffix by the model's fill-in-the-middle tokens. Whether the model was given exactly the expected
// tokens shows in a second request of those token ids: it reuses as many as agree.
//
// The order is that of llama.cpp's /infill by default (`format_prompt_infill` in tools/server/server-common.cpp, without
// `spm_infill`): BOS where the model has one, prefix mark, text before, suffix mark, text after, middle mark; no text in
// between is parsed for control tokens. tiny-chat's marks are those of Qwen2.5-Coder (arXiv 2409.12186), whose order is the
// same. For SentencePiece see below.
import { fileURLToPath } from "node:url";
import { getLlama, type LlamaModel, LlamaLogLevel } from "node-llama-cpp";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createLlamaBackend } from "../../../src/backends/llama/backend.ts";
import type { Backend } from "../../../src/domain/backend.ts";
import type { CompletionRequest } from "../../../src/domain/completion.ts";
import type { TokenLogprob } from "../../../src/domain/text.ts";
import { complete, testContext, textSpec } from "../../support/llama.ts";
import { blockDifference, logprobDifference, tinyChatSpread as spread } from "../../support/tolerances.ts";
import { infillMarks, infillModel } from "../../support/story-model.ts";

const path = fileURLToPath(new URL("../../../models/tiny-chat/tiny-chat.gguf", import.meta.url));
/** Ids of tiny-chat; the first two end an answer. */
const token = { endOfText: 1528, end: 1530, prefix: 1531, middle: 1532, suffix: 1533 };
const noEnd = { temperature: 0, logitBias: [[token.endOfText, -100] as const, [token.end, -100] as const] };
const before = "def add(a, b):\n";
const after = "\n    return total";
const few = { maxTokens: 4, stop: [] };
const ids = (logprobs: readonly TokenLogprob[]): number[] => logprobs.map(({ id }) => id);

/** Runs a request, then finds out how many tokens of `expected` the only slot of the backend was given. */
async function agreement(
  backend: Backend,
  { request, expected }: { request: Partial<CompletionRequest>; expected: readonly number[] },
): Promise<{ readonly counted: number; readonly agreed: number }> {
  const { usage, choices } = await complete(backend, { sampling: noEnd, ...request, topLogprobs: 0, limits: few });
  const generated = ids(choices[0]!.logprobs).slice(-few.maxTokens);
  expect(generated).toHaveLength(few.maxTokens);
  // The answer goes along, so that the last of the expected tokens has been evaluated, too.
  const probe = await complete(backend, { prompts: [[...expected, ...generated]], limits: { maxTokens: 1, stop: [] } });
  return { counted: usage.promptTokens, agreed: Math.min(probe.usage.cachedTokens, expected.length) };
}

describe("insertion by tiny-chat", () => {
  let backend: Backend;
  let model: LlamaModel;
  beforeAll(async () => {
    // One slot: a request finds in it what the one before it left.
    backend = await createLlamaBackend(textSpec(path, { parallel: 1 }), testContext());
    const llama = await getLlama({ gpu: false, build: "never", logLevel: LlamaLogLevel.warn });
    model = await llama.loadModel({ modelPath: path, vocabOnly: true });
  });
  afterAll(async () => {
    await backend.dispose();
    await model.dispose();
  });

  const read = (text: string, parse = false): number[] => model.tokenize(text, parse);
  const inserted = (prefix: readonly number[], suffix: string): number[] => [
    token.prefix,
    ...prefix,
    token.suffix,
    ...read(suffix),
    token.middle,
  ];

  it("has the marks that its file declares", () => {
    const { prefix, suffix, middle } = model.tokens.infill;
    expect({ prefix, suffix, middle }).toEqual({ prefix: token.prefix, suffix: token.suffix, middle: token.middle });
  });

  it.each([
    ["code", before, after],
    ["nothing before the gap", "", after],
    ["white space at the edges", "  a \n", " \n\tb "],
    ["text beyond ASCII", "façade – 你", "好 🙂"],
    ["marks in the prompt", `a<|fim_suffix|>b<|fim_middle|>c<|im_end|>`, after],
    ["marks in the suffix", before, `x<|fim_middle|>y<|fim_prefix|><|endoftext|>`],
    ["marks on both sides", `<|fim_prefix|>`, `<|fim_middle|>`],
  ])("gives the model prefix, suffix and middle in that order, and counts them all: %s", async (_, prompt, suffix) => {
    const expected = inserted(read(prompt), suffix);
    // The spelled marks are more than a token each, so that the two readings differ.
    if (/<\|/.test(prompt + suffix)) expect(read(prompt + suffix)).not.toEqual(read(prompt + suffix, true));
    const result = await agreement(backend, { request: { prompts: [prompt], suffix }, expected });
    expect(result).toEqual({ counted: expected.length, agreed: expected.length });
  });

  it("takes token ids before the gap as they are, marks among them", async () => {
    const prefix = [...read("a b"), token.suffix, ...read("c"), token.end, token.middle];
    const expected = inserted(prefix, after);
    const result = await agreement(backend, { request: { prompts: [prefix], suffix: after }, expected });
    expect(result).toEqual({ counted: expected.length, agreed: expected.length });
  });

  it("tokenises a long suffix in pieces into the same tokens as in one go", async () => {
    const suffix = "a word and another. ".repeat(500);
    const expected = inserted(read(before), suffix);
    const result = await agreement(backend, { request: { prompts: [before], suffix }, expected });
    expect(result).toEqual({ counted: expected.length, agreed: expected.length });
  });

  it("completes without marks where the suffix is empty", async () => {
    const expected = read(before);
    const result = await agreement(backend, { request: { prompts: [before], suffix: "" }, expected });
    expect(result).toEqual({ counted: expected.length, agreed: expected.length });
    // Without a gap a spelled control token is one, as in any completion.
    const spelled = await complete(backend, { prompts: ["<|im_start|>a"], suffix: "", limits: few });
    expect(spelled.usage.promptTokens).toBe(read("<|im_start|>a", true).length);
  });

  it("lets the suffix change what is written", async () => {
    const ask = async (suffix?: string): Promise<readonly TokenLogprob[]> => {
      const request = {
        prompts: [before],
        ...(suffix === undefined ? {} : { suffix }),
        sampling: noEnd,
        topLogprobs: 0,
      };
      return (await complete(backend, { ...request, limits: { maxTokens: 8, stop: [] } })).choices[0]!.logprobs;
    };
    const first = async (suffix?: string): Promise<number | null> => (await ask(suffix))[0]!.logprob;
    expect(await ask(after)).toEqual(await ask(after));
    expect(new Set([await first(after), await first("\n    return 0"), await first()]).size).toBe(3);
  });

  describe("with echo", () => {
    it.each([
      ["text", before, before],
      ["text that spells marks", "a<|fim_suffix|>b", "a<|fim_suffix|>b"],
      ["nothing", "", ""],
    ])("shows %s before the gap, and neither marks nor suffix", async (_, prompt, shown) => {
      const request = { prompts: [prompt], suffix: after, sampling: noEnd, limits: few };
      const silent = await complete(backend, request);
      const echoed = await complete(backend, { ...request, echo: true });
      expect(echoed.choices[0]!.text).toBe(shown + silent.choices[0]!.text);
      expect(echoed.usage.promptTokens).toBe(silent.usage.promptTokens);
    });

    it("scores the tokens before the gap after the prefix mark, and then those of the answer", async () => {
      const prompt = read(before);
      const request = { suffix: after, echo: true, topLogprobs: 2, sampling: noEnd, limits: few };
      const { choices } = await complete(backend, { ...request, prompts: [before] });
      const { logprobs, text } = choices[0]!;
      expect(ids(logprobs).slice(0, -few.maxTokens)).toEqual(prompt);
      expect(logprobs.map((one) => one.text).join("")).toBe(text);
      // The same tokens, scored as an ordinary prompt of token ids; its first token is the mark.
      const plain = await complete(backend, {
        prompts: [inserted(prompt, after)],
        echo: true,
        topLogprobs: 2,
        limits: { maxTokens: 0, stop: [] },
      });
      const scores = plain.choices[0]!.logprobs.slice(1, 1 + prompt.length);
      expect(ids(scores)).toEqual(prompt);
      for (const [index, { logprob }] of scores.entries()) {
        const error = logprobDifference({ relative: blockDifference(127), spread, logprob: logprob! });
        expect(Math.abs(logprobs[index]!.logprob! - logprob!)).toBeLessThan(error);
      }
      expect(logprobs.every(({ logprob, top }) => logprob! < 0 && top.length === 2)).toBe(true);
    });

    it("shows token ids to their end, also where a mark is among them", async () => {
      const prompt = [...read("a b"), token.suffix, ...read("c d")];
      const request = { prompts: [prompt], suffix: after, echo: true, topLogprobs: 0, sampling: noEnd, limits: few };
      const { text, logprobs } = (await complete(backend, request)).choices[0]!;
      expect(ids(logprobs).slice(0, -few.maxTokens)).toEqual(prompt);
      expect(text.startsWith("a b<|fim_suffix|>c d")).toBe(true);
    });

    it("evaluates and shows the prompt alone where nothing is to be generated", async () => {
      const request = { prompts: [before], suffix: after, echo: true, limits: { maxTokens: 0, stop: [] } };
      const { choices, usage } = await complete(backend, request);
      expect(choices[0]).toMatchObject({ text: before, finish: "length" });
      expect(usage).toMatchObject({ promptTokens: inserted(read(before), after).length, completionTokens: 0 });
    });
  });

  it("scores the answer's tokens without echo", async () => {
    const request = { prompts: [before], suffix: after, sampling: noEnd, limits: few };
    const { text, logprobs } = (await complete(backend, { ...request, topLogprobs: 3 })).choices[0]!;
    expect(logprobs).toHaveLength(few.maxTokens);
    expect(logprobs.map((one) => one.text).join("")).toBe(text);
    expect(logprobs.every(({ logprob, top }) => logprob! < 0 && top.length === 3)).toBe(true);
  });

  it("answers several prompts with the one suffix, prompt by prompt, and counts it with each", async () => {
    const prompts = [before, read("while True:"), ""];
    const request = { suffix: after, n: 2, sampling: { ...noEnd, temperature: 1, seed: 7 }, limits: few };
    const { choices, usage } = await complete(backend, { ...request, prompts });
    expect(choices).toHaveLength(6);
    const sizes = [read(before), read("while True:"), []].map((prefix) => inserted(prefix, after).length);
    expect(usage.promptTokens).toBe(sizes.reduce((sum, size) => sum + size, 0));
    expect(usage.completionTokens).toBe(6 * few.maxTokens);
    for (const [index, prompt] of prompts.entries()) {
      const alone = await complete(backend, { ...request, prompts: [prompt] });
      expect(alone.usage.promptTokens).toBe(sizes[index]);
      const both = alone.choices.map(({ text }) => text);
      expect(choices.slice(2 * index, 2 * index + 2).map(({ text }) => text)).toEqual(both);
      expect(new Set(both).size).toBe(2);
    }
  });

  it("echoes before every one of n choices, and before the best of several", async () => {
    const request = { prompts: [before], suffix: after, echo: true, topLogprobs: 0, limits: few };
    const sampling = { ...noEnd, temperature: 1.5, seed: 3 };
    for (const counts of [
      { n: 3, bestOf: 3 },
      { n: 1, bestOf: 3 },
    ]) {
      const { choices } = await complete(backend, { ...request, ...counts, sampling });
      expect(choices).toHaveLength(counts.n);
      for (const { text, logprobs } of choices) {
        expect(text.startsWith(before)).toBe(true);
        expect(ids(logprobs).slice(0, -few.maxTokens)).toEqual(read(before));
        expect(logprobs.every(({ logprob }) => logprob! < 0)).toBe(true);
      }
    }
  });

  it("counts marks and suffix against the context, and refuses what does not fit before it accepts", async () => {
    const own = inserted(read(before), after).length;
    const fits = { prompts: [before], suffix: after, echo: true };
    await expect(complete(backend, { ...fits, limits: { maxTokens: 4097 - own, stop: [] } })).rejects.toMatchObject({
      kind: "context_length_exceeded",
      message: expect.stringContaining(`(${own} in the {prompts}, ${4097 - own} in the completion)`),
    });
    const suffix = "word and word ".repeat(5000);
    await expect(complete(backend, { prompts: ["a", "b"], suffix, limits: few })).rejects.toMatchObject({
      kind: "context_length_exceeded",
    });
    const stranger = complete(backend, { prompts: [[5, 1_000_000]], suffix: after, limits: few });
    await expect(stranger).rejects.toMatchObject({ kind: "invalid_value", param: "prompts[0][1]" });
  });
});

// Code Llama's vocabulary is SentencePiece's, with BOS. Its reference (`infilling_prompt_tokens` and `encode_infilling` of
// meta-llama/codellama) begins the text before the gap with SentencePiece's space and the text after it without.
describe("insertion by a SentencePiece vocabulary with BOS", () => {
  const marks = infillMarks;
  const file = infillModel;
  let backend: Backend;
  let model: LlamaModel;
  beforeAll(async () => {
    backend = await createLlamaBackend(textSpec(file, { parallel: 1 }), testContext());
    const llama = await getLlama({ gpu: false, build: "never", logLevel: LlamaLogLevel.warn });
    model = await llama.loadModel({ modelPath: file, vocabOnly: true });
  });
  afterAll(async () => {
    await backend.dispose();
    await model.dispose();
  });

  it.each([
    ["Once upon a", "time there was"],
    ["Once upon a", " time there was"],
    ["", "time"],
  ])("puts BOS first and no space before the suffix: %j, %j", async (prompt, suffix) => {
    // The tokens of the suffix inside a text, where nothing is put before it.
    const lead = model.tokenize("\n").length;
    const tail = model.tokenize(`\n${suffix}`).slice(lead);
    expect(model.detokenize(tail, false, model.tokenize("\n"))).toBe(suffix);
    const expected = [1, marks.pre, ...(prompt === "" ? [] : model.tokenize(prompt)), marks.suf, ...tail, marks.mid];
    const sampling = { temperature: 0, logitBias: [[1, -100] as const, [2, -100] as const] };
    const result = await agreement(backend, { request: { prompts: [prompt], suffix, sampling }, expected });
    expect(result).toEqual({ counted: expected.length, agreed: expected.length });
  });
});
