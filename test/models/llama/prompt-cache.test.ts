// What the files of the prompt cache promise: they outlive the process, hold no more bytes than they may, and never change an answer.
import { appendFileSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { createLlamaBackend } from "../../../src/backends/llama/backend.ts";
import type { Backend, BackendContext } from "../../../src/domain/backend.ts";
import type { TextModelOptions } from "../../../src/domain/model.ts";
import { complete, testContext, textSpec } from "../../support/llama.ts";
import { storyModel } from "../../support/story-model.ts";
import { temporaryFolder } from "../../support/temporary-folder.ts";

const path = storyModel;
const otherPath = withOtherWeights(path);
const story = tokens(37);
const limits = { maxTokens: 8, stop: [] };

function tokens(step: number): number[] {
  return Array.from({ length: 400 }, (_, index) => 260 + ((index * step) % 200));
}

/** A copy whose last weights are zero: a model of the same shape that answers otherwise. */
function withOtherWeights(file: string): string {
  const copy = join(temporaryFolder("other"), "other.gguf");
  writeFileSync(copy, Buffer.concat([readFileSync(file).subarray(0, -1024), Buffer.alloc(1024)]));
  return copy;
}

describe("the prompt cache", () => {
  const backends: Backend[] = [];
  afterEach(async () => {
    await Promise.all(backends.splice(0).map((backend) => backend.dispose()));
  });

  async function load(
    context: BackendContext,
    { file = path, ...options }: Partial<TextModelOptions> & { readonly file?: string } = {},
  ): Promise<Backend> {
    const stored = { parallel: 1, prefixStoreBytes: 50_000_000 };
    const backend = await createLlamaBackend(textSpec(file, { ...stored, ...options }), context);
    backends.push(backend);
    return backend;
  }

  /** Asks once and unloads the model. */
  async function leave(context: BackendContext, prompt: readonly number[] = story): Promise<string> {
    const backend = await load(context);
    const { choices } = await complete(backend, { prompts: [prompt], limits });
    await backend.dispose();
    return choices[0]!.text;
  }

  function states({ cacheDirectory }: BackendContext): string[] {
    const folder = join(cacheDirectory, "prefixes");
    const names = readdirSync(folder, { recursive: true }).map(String);
    return names.filter((name) => name.endsWith(".state")).map((name) => join(folder, name));
  }

  it("keeps a conversation that lost its slot", async () => {
    const backend = await load(testContext());
    const first = await complete(backend, { prompts: [story], limits });
    await complete(backend, { prompts: [tokens(53)], limits });
    const again = await complete(backend, { prompts: [story], limits });
    expect(again.usage.cachedTokens).toBe(396);
    expect(again.choices[0]!.text).toBe(first.choices[0]!.text);
  });

  it("keeps a conversation until the model is loaded again", async () => {
    const context = testContext();
    const first = await leave(context);
    const { usage, choices } = await complete(await load(context), { prompts: [story], limits });
    expect(usage.cachedTokens).toBe(396);
    expect(choices[0]!.text).toBe(first);
  });

  it.each([1, 3, 8])("is read by a model with %i slots, whichever of its own slots wrote it", async (parallel) => {
    const context = testContext();
    const before = await load(context, { parallel: 4 });
    const prompts = [53, 71, 37, 97].map(tokens);
    const answers = await Promise.all(prompts.map((prompt) => complete(before, { prompts: [prompt], limits })));
    await before.dispose();
    const after = await load(context, { parallel });
    for (const [index, prompt] of prompts.entries()) {
      const { usage, choices } = await complete(after, { prompts: [prompt], limits });
      expect(usage.cachedTokens).toBe(396);
      expect(choices[0]!.text).toBe(answers[index]!.choices[0]!.text);
    }
    expect(states(context).every((file) => file.endsWith(".state"))).toBe(true);
  });

  it.each([
    ["was changed", (file: string) => writeFileSync(file, Buffer.alloc(statSync(file).size, 1))],
    ["has grown", (file: string) => appendFileSync(file, "more")],
    ["was cut", (file: string) => writeFileSync(file, "ggsq")],
    ["lost its head to another format", (file: string) => writeFileSync(file.replace(".state", ".json"), "[]")],
  ])("removes a file that %s, and evaluates the prompt", async (_, damage) => {
    const context = testContext();
    const first = await leave(context);
    const [file] = states(context);
    damage(file!);
    const backend = await load(context);
    const { usage, choices } = await complete(backend, { prompts: [story], limits });
    expect(usage.cachedTokens).toBe(0);
    expect(choices[0]!.text).toBe(first);
    expect(states(context)).not.toContain(file);
  });

  it("never holds more than its bytes, and drops what was used longest ago", async () => {
    const context = testContext();
    await leave(context);
    const bytes = statSync(states(context)[0]!).size;
    const backend = await load(context, { prefixStoreBytes: Math.floor(bytes * 2.5) });
    for (const step of [53, 71, 97]) await complete(backend, { prompts: [tokens(step)], limits });
    await backend.dispose();
    expect(states(context)).toHaveLength(2);
    const after = await load(context);
    expect((await complete(after, { prompts: [story], limits })).usage.cachedTokens).toBe(0);
    expect((await complete(after, { prompts: [tokens(97)], limits })).usage.cachedTokens).toBe(396);
  });

  it("does not use the states of another file or of other settings", async () => {
    const context = testContext();
    await leave(context);
    const other = await load(context, { file: otherPath });
    expect((await complete(other, { prompts: [story], limits })).usage.cachedTokens).toBe(0);
    const exact = await load(context, { kvCacheType: "f32" });
    expect((await complete(exact, { prompts: [story], limits })).usage.cachedTokens).toBe(0);
  });

  it("uses states of another thread count only where no sum depends on it", async () => {
    const cachedWith = async (options: Partial<TextModelOptions>): Promise<number> => {
      const context = testContext();
      const first = await load(context, { ...options, threads: 1 });
      await complete(first, { prompts: [story], limits });
      await first.dispose();
      const second = await load(context, { ...options, threads: 2 });
      return (await complete(second, { prompts: [story], limits })).usage.cachedTokens;
    };
    expect(await cachedWith({ flashAttention: true })).toBe(0);
    expect(await cachedWith({ flashAttention: false })).toBe(396);
  });

  it("answers where nothing can be written, with one warning", async () => {
    const warnings: string[] = [];
    const context = testContext((level, message) => {
      if (level === "warn") warnings.push(message);
    });
    writeFileSync(join(context.cacheDirectory, "prefixes"), "a file where the folder should be");
    const backend = await load(context);
    for (const step of [53, 71, 97]) await complete(backend, { prompts: [tokens(step)], limits });
    expect(warnings).toHaveLength(1);
  });
});
