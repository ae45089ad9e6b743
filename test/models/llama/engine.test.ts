// What the decode loop promises about slots: which requests get one, wait or are refused, and that a caller who leaves frees one.
import { afterEach, describe, expect, it } from "vitest";
import { createLlamaBackend } from "../../../src/backends/llama/backend.ts";
import type { Backend } from "../../../src/domain/backend.ts";
import type { TextModelOptions } from "../../../src/domain/model.ts";
import type { TextEvent } from "../../../src/domain/text.ts";
import {
  chat,
  complete,
  testContext,
  textSpec,
  readFirstText,
  readRest,
  streamCompletion,
} from "../../support/llama.ts";
import { runBackend } from "../../support/run-backend.ts";
import { attentionDifference, expectSameUntilNearTie, storyModelSpread as spread } from "../../support/tolerances.ts";
import { storyToken, storyModel } from "../../support/story-model.ts";

const path = storyModel;
const endless = { temperature: 0, logitBias: [[storyToken.eos, -100] as const] };
const long = { sampling: endless, limits: { stop: [] } };

describe("the decode loop", () => {
  const backends: Backend[] = [];

  async function load(options: Partial<TextModelOptions>): Promise<Backend> {
    const backend = await createLlamaBackend(textSpec(path, options), testContext());
    backends.push(backend);
    return backend;
  }
  afterEach(async () => {
    await Promise.all(backends.splice(0).map((backend) => backend.dispose()));
  });

  /** Starts a completion and reads it up to its first text. */
  async function begin(backend: Backend, signal?: AbortSignal): Promise<AsyncGenerator<TextEvent>> {
    const events = streamCompletion(backend, long, signal);
    await readFirstText(events);
    return events;
  }

  it("frees the slot of a caller who leaves, and ends the iteration with the signal's reason", async () => {
    const backend = await load({ parallel: 1 });
    const caller = new AbortController();
    const events = await begin(backend, caller.signal);
    const waiting = complete(backend);
    caller.abort(new Error("gone"));
    await expect(readRest(events)).rejects.toThrow("gone");
    // A completion of 500 tokens used the only slot: the next request gets it, and is read to its end.
    expect((await waiting).usage.completionTokens).toBe(32);
  });

  it("frees the slot of a reader who stops reading without a signal", async () => {
    const backend = await load({ parallel: 1 });
    const events = await begin(backend);
    await events.return(undefined);
    expect((await complete(backend)).choices[0]!.finish).toBe("length");
  });

  it("takes a cancelled request out of the queue before it ever starts", async () => {
    const backend = await load({ parallel: 1 });
    const first = new AbortController();
    const events = await begin(backend, first.signal);
    const second = new AbortController();
    const queued = complete(backend, {}, second.signal);
    const third = complete(backend);
    second.abort(new Error("changed my mind"));
    await expect(queued).rejects.toThrow("changed my mind");
    first.abort(new Error("gone"));
    await events.return(undefined);
    expect((await third).usage.completionTokens).toBe(32);
  });

  it("refuses a request at once when all slots are taken and the queue is full", async () => {
    const backend = await load({ parallel: 1, maxQueue: 1 });
    const first = new AbortController();
    const events = await begin(backend, first.signal);
    const queued = complete(backend);
    await Promise.resolve();
    await expect(complete(backend)).rejects.toMatchObject({
      kind: "overloaded",
      retryAfterSeconds: expect.any(Number),
    });
    first.abort(new Error("gone"));
    await events.return(undefined);
    expect((await queued).usage.completionTokens).toBe(32);
  });

  it("pauses no request but that of a reader who does not read", async () => {
    const backend = await load({ parallel: 2 });
    const slow = await begin(backend);
    // The slow reader grants credit for 64 of its 500 events; the other one is served in the meantime, and nothing is lost.
    expect((await complete(backend)).usage.completionTokens).toBe(32);
    const usage = await readRest(slow);
    expect(usage.promptTokens + usage.completionTokens).toBe(512);
  });

  it("serves a short request while a long prompt is read in pieces", async () => {
    const backend = await load({ parallel: 2, batchSize: 16 });
    const prompt = Array.from({ length: 480 }, (_, index) => 260 + (index % 200));
    const order: string[] = [];
    await Promise.all([
      complete(backend, { prompts: [prompt], limits: { maxTokens: 1, stop: [] } }).then(() => order.push("long")),
      complete(backend, { limits: { maxTokens: 8, stop: [] } }).then(() => order.push("short")),
    ]);
    expect(order).toEqual(["short", "long"]);
  });

  it("answers as many choices as asked for with fewer slots", async () => {
    const backend = await load({ parallel: 2, maxQueue: 0 });
    const { choices, usage } = await complete(backend, { n: 7, sampling: { temperature: 1, seed: 1 } });
    expect(choices).toHaveLength(7);
    expect(usage.completionTokens).toBe(7 * 32);
    expect(usage.promptTokens).toBe(5);
  });

  it("ends what runs with shutting_down when the model is unloaded", async () => {
    const backend = await load({ parallel: 1 });
    const outcomes = Promise.allSettled([complete(backend, long), complete(backend)]);
    await backend.dispose();
    const reason = expect.objectContaining({ kind: "shutting_down" });
    expect(await outcomes).toEqual([
      { status: "rejected", reason },
      { status: "rejected", reason },
    ]);
    await expect(complete(backend)).rejects.toMatchObject({ kind: "shutting_down" });
    await backend.dispose();
  });

  it("refuses operations that it does not have", async () => {
    const backend = await load({});
    await expect(runBackend(backend, "embedding", { inputs: ["a"] }).next()).rejects.toThrow(/not embedding/);
  });

  it.each([0, 1])(
    "generates the same with and without guesses from the prompt (temperature %d)",
    async (temperature) => {
      // In float32 throughout the shape of a batch moves the logits by a millionth: too little for a draw to fall otherwise.
      const exact = { parallel: 2, kvCacheType: "f32", flashAttention: false } as const;
      const plain = await load(exact);
      const guessing = await load({ ...exact, promptLookup: 6 });
      const prompts = [
        "Lily had a red ball. Lily had a red ball. Lily had a red ball. Lily had",
        'Tom said, "I want the car." Sam said, "I want the car." Tom said,',
      ];
      const request = {
        prompts,
        topLogprobs: 2,
        sampling: { temperature, seed: 5 },
        limits: { maxTokens: 80, stop: [] },
      };
      const expected = await complete(plain, request);
      const actual = await complete(guessing, request);
      expect(actual.choices.map(({ text }) => text)).toEqual(expected.choices.map(({ text }) => text));
      expect(actual.usage.completionTokens).toBe(expected.usage.completionTokens);
      const { acceptedPredictionTokens, rejectedPredictionTokens } = actual.usage;
      expect(acceptedPredictionTokens + rejectedPredictionTokens).toBeGreaterThan(0);
      if (temperature === 0) expect(acceptedPredictionTokens).toBeGreaterThan(10);
    },
  );

  it("guesses from the text that a caller expects", async () => {
    const backend = await load({});
    const request = { topLogprobs: 2, limits: { maxTokens: 60, stop: [] } };
    const first = await chat(backend, request);
    const second = await chat(backend, { ...request, prediction: first.choices[0]!.text });
    expectSameUntilNearTie(second.choices[0]!.logprobs, first.choices[0]!.logprobs, {
      relative: attentionDifference(first.usage.promptTokens + 60),
      spread,
    });
    expect(second.usage.acceptedPredictionTokens).toBeGreaterThan(20);
  });

  it("generates the same with a draft model", async () => {
    const plain = await load({});
    const drafting = await load({ draftModel: path });
    const request = { topLogprobs: 2, limits: { maxTokens: 60, stop: [] } };
    const expected = await complete(plain, request);
    const actual = await complete(drafting, request);
    const relative = attentionDifference(expected.usage.promptTokens + 60);
    expectSameUntilNearTie(actual.choices[0]!.logprobs, expected.choices[0]!.logprobs, { relative, spread });
    // The draft is the model itself, so nearly every guess is right.
    expect(actual.usage.acceptedPredictionTokens).toBeGreaterThan(40);
    expect(actual.usage.rejectedPredictionTokens).toBeLessThan(6);
    const many = await complete(drafting, {
      ...request,
      prompts: ["Once upon a time", "The dog"],
      n: 2,
      sampling: { temperature: 1, seed: 3 },
    });
    expect(many.choices.every(({ text }) => text.length > 0)).toBe(true);
  });

  it("copies a prefix from a slot that is in use", async () => {
    const backend = await load({ parallel: 2 });
    const prefix = Array.from({ length: 150 }, (_, index) => 260 + ((index * 37) % 200));
    const caller = new AbortController();
    const running = streamCompletion(backend, { ...long, prompts: [[...prefix, 300]] }, caller.signal);
    await readFirstText(running);
    const { usage } = await complete(backend, { prompts: [[...prefix, 301, 302]] });
    // What follows the prefix is too short for a wide part (engine/plan/prompt-shape.ts), so that a few more tokens are computed.
    expect(usage.cachedTokens).toBe(84);
    caller.abort(new Error("gone"));
    await running.return(undefined);
  });
});
