// A model whose `parallel` is `auto` begins with four slots and gets more while requests wait, without a change to any answer.
import { join } from "node:path";
import { afterEach, describe, expect, it, vi } from "vitest";
import { createLlamaBackend } from "../../../src/backends/llama/backend.ts";
import type { Backend } from "../../../src/domain/backend.ts";
import type { TextModelOptions } from "../../../src/domain/model.ts";
import { complete, readFirstText, readRest, streamCompletion, testContext, textSpec } from "../../support/llama.ts";
import { storyModel as path, storyToken } from "../../support/story-model.ts";
import { attentionDifference, expectSameUntilNearTie, storyModelSpread as spread } from "../../support/tolerances.ts";

const starts = [
  "Once upon a time",
  "The cat",
  "One day a dog",
  "A little girl",
  "Tom and Sam",
  "In the park",
  "Mum said",
];
const prompts = [...starts, "The dog", "The sun", "A bird"];
const endless = { temperature: 0, logitBias: [[storyToken.eos, -100] as const] };

/** Lets the clock of the timers run, and the decode loop do in between what it has to do. */
async function passSeconds(count: number): Promise<void> {
  for (let second = 0; second < count; second += 1) {
    await vi.advanceTimersByTimeAsync(1000);
    for (let turn = 0; turn < 20; turn += 1) await new Promise((resolve) => setImmediate(resolve));
  }
}

describe("a model whose number of slots follows the demand", () => {
  const backends: Backend[] = [];
  const lines: string[] = [];

  async function load(options: Partial<TextModelOptions> = {}, memoryBudgetBytes = 2 ** 30): Promise<Backend> {
    const context = {
      ...testContext((_level, message) => void (message.includes("at once") && lines.push(message))),
      memoryBudgetBytes,
    };
    const backend = await createLlamaBackend(textSpec(path, { parallel: "auto", ...options }), context);
    backends.push(backend);
    return backend;
  }
  afterEach(async () => {
    vi.unstubAllEnvs();
    vi.useRealTimers();
    lines.length = 0;
    await Promise.all(backends.splice(0).map((backend) => backend.dispose()));
  });

  const ask = (backend: Backend, prompt: string) =>
    complete(backend, { prompts: [prompt], sampling: endless, topLogprobs: 5, limits: { maxTokens: 40, stop: [] } });

  it("grows while requests wait, and every answer is that of a model which never grew", async () => {
    const growing = await load();
    const fixed = await load({ parallel: 1 });
    const early = prompts.slice(0, 4).map((prompt) => ask(growing, prompt));
    const answers = await Promise.all([...early, ...prompts.slice(4).map((prompt) => ask(growing, prompt))]);
    expect(lines).toEqual([expect.stringContaining("generates for 8"), expect.stringContaining("generates for 16")]);
    for (const [index, { choices }] of answers.entries()) {
      const expected = (await ask(fixed, prompts[index] as string)).choices[0]!;
      expectSameUntilNearTie(choices[0]!.logprobs, expected.logprobs, { relative: attentionDifference(64), spread });
    }
  });

  it("carries answers under way over to the larger context", async () => {
    const backend = await load();
    const events = Array.from({ length: 4 }, () =>
      streamCompletion(backend, { sampling: endless, limits: { maxTokens: 200, stop: [] } }),
    );
    for (const stream of events) await readFirstText(stream);
    const waiting = ask(backend, "The cat");
    expect((await waiting).usage.completionTokens).toBe(40);
    expect(lines).toHaveLength(1);
    for (const stream of events) expect((await readRest(stream)).completionTokens).toBe(200);
  });

  it("gives the slots back when nobody has asked for a while, and keeps what was asked last", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    const backend = await load();
    const before = await Promise.all(prompts.map((prompt) => ask(backend, prompt)));
    const long = "Once upon a time there was a big red dog who ran in the park with a little girl";
    const first = await ask(backend, long);
    await passSeconds(55);
    expect(lines).toHaveLength(2);
    await passSeconds(30);
    await expect.poll(() => lines.at(-1), { timeout: 20_000 }).toContain("4 at once again");
    const again = await ask(backend, long);
    expect(again.usage.cachedTokens).toBeGreaterThan(10);
    expect(again.choices[0]!.text).toBe(first.choices[0]!.text);
    const after = await Promise.all(prompts.map((prompt) => ask(backend, prompt)));
    expect(after.map(({ choices }) => choices[0]!.text)).toEqual(before.map(({ choices }) => choices[0]!.text));
    expect(lines).toHaveLength(5);
  });

  it("has as many slots as the budget allows", async () => {
    const roomy = await load();
    expect(roomy.description.facts["parallel"]).toBe(16);
    const perSlot = (roomy.description.memoryBytes - (await load({ parallel: 1 })).description.memoryBytes) / 15;
    const tight = await load({}, 8 * 2.5 * perSlot);
    expect(tight.description.facts["parallel"]).toBe(6);
    await Promise.all(prompts.map((prompt) => ask(tight, prompt)));
    expect(lines).toEqual([expect.stringContaining("generates for 6")]);
  });

  it("answers all with the slots it has where it cannot grow", async () => {
    const backend = await load();
    vi.stubEnv("TMPDIR", join(path, "nowhere"));
    const answers = await Promise.all(prompts.map((prompt) => ask(backend, prompt)));
    expect(answers.map(({ usage }) => usage.completionTokens)).toEqual(prompts.map(() => 40));
    expect(lines).toEqual([expect.stringContaining("stays at 4")]);
  });

  it("stays as it is where a number is configured, or answers must not depend on each other", async () => {
    for (const options of [{ parallel: 2 }, { reproducible: true }]) {
      const backend = await load(options);
      await Promise.all(prompts.map((prompt) => ask(backend, prompt)));
      expect(lines).toEqual([]);
    }
  });
});
