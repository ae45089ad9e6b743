// What `reproducible: true` promises: whatever else the model is asked at the same time, an answer is that of the idle model, token for
// token. HEARTH_REPRODUCIBLE_MODEL names another GGUF to see it on; a real one rounds where the story model does not.
import { afterEach, describe, expect, it } from "vitest";
import { createLlamaBackend } from "../../../src/backends/llama/backend.ts";
import type { Backend } from "../../../src/domain/backend.ts";
import type { TextModelOptions } from "../../../src/domain/model.ts";
import type { TokenLogprob } from "../../../src/domain/text.ts";
import {
  chat,
  complete,
  readFirstText,
  streamCompletion,
  testContext,
  textSpec,
  type CollectedText,
} from "../../support/llama.ts";
import { storyModel } from "../../support/story-model.ts";

const storyPath = storyModel;
const path = process.env["HEARTH_REPRODUCIBLE_MODEL"] ?? storyPath;
/** The log-probability of a token may differ by so much; the last digits shown are equal, so in truth nothing differs. */
const tolerance = 1e-4;

const words = "the dog ran to a red ball and Lily said that it was in the big box by the tree with Tom".split(" ");
const text = (length: number, step: number): string =>
  Array.from({ length }, (_, index) => words[(index * step + (index >> 2)) % words.length]).join(" ");

/** Prompts of one part and of several, with one beginning and with several. */
const probes = [text(6, 1), text(40, 3), `${text(40, 3)} then ${text(5, 5)}`, text(90, 7)];
const limits = { maxTokens: 12, stop: [] };

function probe(backend: Backend, index: number): Promise<CollectedText> {
  return complete(backend, { prompts: [probes[index % probes.length]!], topLogprobs: 3, limits });
}

function scoresOf({ choices }: CollectedText): readonly TokenLogprob[] {
  return choices[0]!.logprobs;
}

function largestDifference(own: readonly TokenLogprob[], expected: readonly TokenLogprob[]): number {
  expect(own.map(({ id }) => id)).toEqual(expected.map(({ id }) => id));
  return Math.max(...own.map(({ logprob }, place) => Math.abs(logprob! - expected[place]!.logprob!)));
}

describe("a reproducible model", () => {
  const backends: Backend[] = [];
  afterEach(async () => {
    await Promise.all(backends.splice(0).map((backend) => backend.dispose()));
  });
  async function load(options: Partial<TextModelOptions> = {}): Promise<Backend> {
    const spec = textSpec(path, { reproducible: true, contextSize: 512, batchSize: 64, ...options });
    const backend = await createLlamaBackend(spec, testContext());
    backends.push(backend);
    return backend;
  }

  /** Requests of all kinds, one after the other, until `signal` aborts. */
  async function disturb(backend: Backend, { first, signal }: { first: number; signal: AbortSignal }): Promise<number> {
    const tool = { name: "look", description: "Looks.", parameters: { type: "object" }, strict: false } as const;
    const schema = { type: "object", properties: { a: { type: "integer" } }, required: ["a"] } as const;
    const kinds: (() => Promise<unknown>)[] = [
      () => complete(backend, { prompts: [text(120, 11)], limits: { maxTokens: 5, stop: [] } }),
      () => complete(backend, { prompts: [`${text(40, 3)} and`], n: 3, sampling: { temperature: 1, seed: first } }),
      () => chat(backend, { tools: [tool], toolChoice: { type: "required" }, limits: { maxTokens: 20, stop: [] } }),
      () => chat(backend, { constraint: { type: "json-schema", name: "a", schema, strict: false } }),
      async () => {
        const caller = new AbortController();
        const running = streamCompletion(backend, { prompts: [text(30, first + 2)] }, caller.signal);
        await readFirstText(running);
        caller.abort(new Error("gone"));
        await running.return(undefined);
      },
      () => complete(backend, { prompts: [text(7, first + 1)], sampling: { temperature: 1 } }),
    ];
    let asked = 0;
    for (let index = first; !signal.aborted; index += 1, asked += 1) await kinds[index % kinds.length]!();
    return asked;
  }

  it("answers 200 requests amid others of all kinds as it does when it is idle", { timeout: 1_800_000 }, async () => {
    const expected: (readonly TokenLogprob[])[] = [];
    for (const index of probes.keys()) expected.push(scoresOf(await probe(await load(), index)));
    const backend = await load();
    const over = new AbortController();
    const others = [0, 2, 4].map((first) => disturb(backend, { first, signal: over.signal }));
    let largest = 0;
    for (let index = 0; index < 200; index += 1) {
      const difference = largestDifference(scoresOf(await probe(backend, index)), expected[index % probes.length]!);
      largest = Math.max(largest, difference);
    }
    over.abort();
    expect(Math.min(...(await Promise.all(others)))).toBeGreaterThan(5);
    expect(largest).toBeLessThan(tolerance);
    if (path !== storyPath) console.log(`largest difference of a log-probability: ${largest}`);
  });

  it("answers the next turn of a conversation alike, whether its cells were generated or read", async () => {
    const backend = await load();
    const first = await complete(backend, { prompts: [probes[1]!], limits: { maxTokens: 40, stop: [] } });
    const turn = `${probes[1]}${first.choices[0]!.text} and then`;
    const continued = await complete(backend, { prompts: [turn], topLogprobs: 3, limits });
    const fresh = await complete(await load(), { prompts: [turn], topLogprobs: 3, limits });
    expect(continued.usage.cachedTokens).toBeGreaterThan(fresh.usage.cachedTokens);
    expect(largestDifference(scoresOf(continued), scoresOf(fresh))).toBeLessThan(tolerance);
  });

  it("answers alike with one slot, at the end of its context too", async () => {
    const request = { prompts: [probes[1]!], topLogprobs: 0, limits: { stop: [] } };
    const bias = { sampling: { temperature: 0, logitBias: [[2, -100] as const] } };
    const backend = await load({ parallel: 1, contextSize: 256 });
    const first = await complete(backend, { ...request, ...bias });
    expect(first.usage.promptTokens + first.usage.completionTokens).toBe(256);
    const again = await complete(backend, { ...request, ...bias });
    expect(largestDifference(scoresOf(again), scoresOf(first))).toBeLessThan(tolerance);
  });

  it("is the only one that takes a request for it", async () => {
    const request = { sampling: { temperature: 0, reproducible: true } };
    await expect(complete(await load({ reproducible: false }), request)).rejects.toMatchObject({
      kind: "unsupported_parameter",
      param: "sampling.reproducible",
    });
    expect((await complete(await load(), request)).choices).toHaveLength(1);
  });

  it.each([
    [{ flashAttention: true }, "flash_attention"],
    [{ kvCacheType: "q8_0" }, "q8_0"],
    [{ draftModel: storyPath }, "draft_model"],
  ] as const)("is refused together with %o", async (options, named) => {
    await expect(load(options)).rejects.toMatchObject({
      kind: "model_load_failed",
      message: expect.stringContaining(named),
    });
  });
});
