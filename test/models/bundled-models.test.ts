// The models that ship with the server, each in the runtime library it is for.

import { createHash } from "node:crypto";
import { readFileSync, statSync } from "node:fs";
import { join, resolve } from "node:path";
import { AutoTokenizer, env, pipeline } from "@huggingface/transformers";
import { getLlama, type Llama, type LlamaModel, LlamaLogLevel, type Token } from "node-llama-cpp";
import { InferenceSession, Tensor } from "onnxruntime-node";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { bundledModels } from "../../scripts/build-models/bundled/bundled-models.ts";
import { listFiles, type Manifest } from "../../scripts/build-models/bundled/manifest.ts";
import { compileTemplate } from "../../src/backends/llama/chat/template/compiled-template.ts";

const models = resolve(import.meta.dirname, "../../models");
const oneThread: InferenceSession.SessionOptions = { intraOpNumThreads: 1 };

describe("manifests", () => {
  it.each(["tiny-chat", ...bundledModels.map(({ name }) => name)])(
    "%s lists every file with its size and checksum",
    (name) => {
      const manifest = readJson(`${name}/manifest.json`) as Manifest;
      const madeBy =
        name === "tiny-chat"
          ? expect.stringContaining("scripts/build-models/bundled/tiny-chat.ts")
          : "npx tsx scripts/build-models/build.ts";
      expect(manifest).toMatchObject({ name, license: "MIT", madeBy });
      expect(manifest.files.map(({ path }) => path)).toEqual(
        listFiles(join(models, name)).filter((path) => path !== "manifest.json"),
      );
      for (const { path, bytes, sha256 } of manifest.files) {
        const content = readFileSync(join(models, name, path));
        expect({ path, bytes: content.byteLength, sha256: createHash("sha256").update(content).digest("hex") }).toEqual(
          {
            path,
            bytes,
            sha256,
          },
        );
      }
    },
  );

  it("stay below 20 MB in all", () => {
    const bytes = listFiles(models).reduce((sum, path) => sum + statSync(join(models, path)).size, 0);
    expect(bytes).toBeLessThan(20_000_000);
  });
});

describe("tiny-chat in node-llama-cpp", () => {
  let llama: Llama;
  let model: LlamaModel;
  beforeAll(async () => {
    llama = await getLlama({ gpu: false, build: "never", logLevel: LlamaLogLevel.warn });
    model = await llama.loadModel({ modelPath: join(models, "tiny-chat/tiny-chat.gguf") });
  });
  afterAll(async () => llama.dispose());

  it("has 4,096 tokens of context, no beginning token, and ends with <|im_end|>", () => {
    expect(model.trainContextSize).toBe(4096);
    expect(model.tokens.bos).toBeNull();
    expect(model.tokens.eosString).toBe("<|im_end|>");
    expect(model.isEogToken(only(model.tokenize("<|im_end|>", true)))).toBe(true);
  });

  it("gives every text back from its tokens", () => {
    for (const text of [
      "Hello, world!",
      "  def f(x):\n\treturn x ** 2\n",
      "façade – 你好 🙂 한국어 ไทย",
      '{"a": [1, 2.5, null]}',
      "\r\n\u0000",
    ]) {
      expect(model.detokenize(model.tokenize(text))).toBe(text);
    }
  });

  it("parses control tokens only where asked to", () => {
    for (const token of [
      "<|im_start|>",
      "<|im_end|>",
      "<|endoftext|>",
      "<|fim_prefix|>",
      "<|fim_suffix|>",
      "<|fim_middle|>",
    ]) {
      expect(model.tokenize(token, true), token).toHaveLength(1);
      expect(model.tokenize(token, false).length, token).toBeGreaterThan(1);
    }
    expect(model.tokenize("Hello!<|im_end|>", true).at(-1)).toBe(model.tokens.eos);
    expect(model.tokens.infill.prefixString).toBe("<|fim_prefix|>");
    expect(model.tokens.infill.suffixString).toBe("<|fim_suffix|>");
    expect(model.tokens.infill.middleString).toBe("<|fim_middle|>");
  });

  it("writes whole characters, different for each seed, the same for one, and comes to an end", async () => {
    const context = await model.createContext({ contextSize: 512, threads: 1 });
    const prompt = model.tokenize("<|im_start|>user\nHello<|im_end|>\n<|im_start|>assistant\n", true);
    const answer = async (seed: number): Promise<Token[]> => {
      const sequence = context.getSequence();
      const tokens: Token[] = [];
      try {
        for await (const token of sequence.evaluate(prompt, { temperature: 1, seed })) {
          tokens.push(token);
          if (tokens.length === 200) break;
        }
      } finally {
        await sequence.dispose();
      }
      return tokens;
    };
    const answers: Token[][] = [];
    for (const seed of [1, 2, 3, 1]) answers.push(await answer(seed));
    expect(answers[0]).toEqual(answers[3]);
    expect(new Set(answers.map((tokens) => tokens.join(" "))).size).toBe(3);
    expect(answers.some((tokens) => tokens.length < 200)).toBe(true);
    for (const tokens of answers) expect(model.detokenize(tokens)).not.toContain("\uFFFD");
    await context.dispose();
  });

  it("carries a ChatML template with tools", () => {
    const source = model.fileInfo.metadata.tokenizer.chat_template ?? "";
    const render = (input: Record<string, unknown>): string => compileTemplate(source).run({ trusted: input }).text;
    expect(render({ messages: [{ role: "user", content: "Hi" }], add_generation_prompt: true })).toBe(
      "<|im_start|>system\nYou are a helpful assistant.<|im_end|>\n<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\n",
    );
    const call = { id: "1", type: "function", function: { name: "add", arguments: { a: 1 } } };
    const text = render({
      messages: [
        { role: "developer", content: "Be brief." },
        { role: "user", content: "1+1?" },
        {
          role: "assistant",
          content: null,
          tool_calls: [call, { ...call, function: { name: "sub", arguments: '{"a": 2}' } }],
        },
        { role: "tool", tool_call_id: "1", content: "2" },
        { role: "tool", tool_call_id: "2", content: "3" },
        { role: "assistant", content: "Two." },
      ],
      tools: [{ type: "function", function: { name: "add", parameters: { type: "object" } } }],
    });
    expect(text.startsWith("<|im_start|>system\nBe brief.\n\n# Tools\n\n")).toBe(true);
    expect(text).toContain(
      '<tools>\n{"type": "function", "function": {"name": "add", "parameters": {"type": "object"}}}\n</tools>',
    );
    expect(text.slice(text.indexOf("<|im_start|>user"))).toBe(
      "<|im_start|>user\n1+1?<|im_end|>\n" +
        '<|im_start|>assistant\n<tool_call>\n{"name": "add", "arguments": {"a": 1}}\n</tool_call>\n' +
        '<tool_call>\n{"name": "sub", "arguments": {"a": 2}}\n</tool_call><|im_end|>\n' +
        "<|im_start|>user\n<tool_response>\n2\n</tool_response>\n<tool_response>\n3\n</tool_response><|im_end|>\n" +
        "<|im_start|>assistant\nTwo.<|im_end|>\n",
    );
  });
});

describe("tiny-embed", () => {
  beforeAll(() => {
    env.allowRemoteModels = false;
    env.localModelPath = models;
  });

  it("has a tokenizer that knows many scripts", async () => {
    const tokenizer = await AutoTokenizer.from_pretrained("tiny-embed");
    const { input_ids: ids } = tokenizer("query: The server, Zürich", { return_tensor: false }) as {
      input_ids: number[];
    };
    expect([ids[0], ids.at(-1)]).toEqual([2, 3]);
    for (const text of ["hello", "Straße", "Привет", "Ελλάδα", "שלום", "你好", "こんにちは", "한국어", "नमस्ते", "ไทย"]) {
      expect(tokenizer.tokenize(text), text).not.toContain("[UNK]");
    }
  });

  it("puts texts with common words near each other, by transformers.js and by the bare runtime alike", async () => {
    const texts = [
      "query: The capital of France is Paris.",
      "query: What is the capital of France?",
      "query: curl the json port",
    ];
    const extract = await pipeline("feature-extraction", "tiny-embed", { dtype: "fp32", session_options: oneThread });
    const vectors = (await extract(texts, { pooling: "mean", normalize: true })).tolist() as number[][];
    const [first, second, third] = vectors as [number[], number[], number[]];
    expect(first).toHaveLength(128);
    expect(dot(first, second)).toBeGreaterThan(dot(first, third) + 0.1);

    const tokenizer = await AutoTokenizer.from_pretrained("tiny-embed");
    const { input_ids: ids } = tokenizer(texts[0]!, { return_tensor: false }) as { input_ids: number[] };
    const session = await InferenceSession.create(join(models, "tiny-embed/onnx/model.onnx"), oneThread);
    const whole = (value: (index: number) => number): Tensor =>
      new Tensor(
        "int64",
        BigInt64Array.from(ids, (_, index) => BigInt(value(index))),
        [1, ids.length],
      );
    const feeds = {
      input_ids: whole((index) => ids[index]!),
      attention_mask: whole(() => 1),
      token_type_ids: whole(() => 0),
    };
    const hidden = (await session.run(feeds))["last_hidden_state"]!.data as Float32Array;
    const pooled = first.map(
      (_, column) => ids.reduce((sum, _id, row) => sum + hidden[row * 128 + column]!, 0) / ids.length,
    );
    const length = Math.sqrt(dot(pooled, pooled));
    for (const [column, value] of first.entries()) expect(pooled[column]! / length).toBeCloseTo(value, 4);
  });
});

describe("tiny-image in onnxruntime", () => {
  const load = async (part: string): Promise<InferenceSession> =>
    InferenceSession.create(join(models, "tiny-image", part, "model.onnx"), oneThread);

  it("has a CLIP tokenizer whose end is its highest id, and folders for every part of its index", () => {
    const vocabulary = readJson("tiny-image/tokenizer/vocab.json") as Record<string, number>;
    expect(Math.max(...Object.values(vocabulary))).toBe(vocabulary["<|endoftext|>"]);
    const index = readJson("tiny-image/model_index.json") as Record<string, unknown>;
    for (const part of ["text_encoder", "unet", "vae_decoder", "vae_encoder"]) expect(index).toHaveProperty(part);
  });

  it.each([
    [8, 8],
    [9, 15],
    [64, 64],
  ])("denoises latents of %i x %i and decodes them to pixels that fill the range", async (height, width) => {
    const ids = BigInt64Array.from({ length: 154 }, (_, index) =>
      index % 77 === 0 ? 1022n : index % 77 < 6 ? 700n : 1023n,
    );
    const text = await (await load("text_encoder")).run({ input_ids: new Tensor("int64", ids, [2, 77]) });
    expect(text["last_hidden_state"]!.dims).toEqual([2, 77, 64]);
    const noise = Float32Array.from({ length: 2 * 4 * height * width }, (_, index) => 1.5 * Math.sin(index * index));
    const noised = await (
      await load("unet")
    ).run({
      sample: new Tensor("float32", noise, [2, 4, height, width]),
      timestep: new Tensor("int64", BigInt64Array.of(981n, 981n), [2]),
      encoder_hidden_states: text["last_hidden_state"]!,
    });
    const latents = noised["out_sample"]!;
    expect(latents.dims).toEqual([2, 4, height, width]);
    const pixels = (await (await load("vae_decoder")).run({ latent_sample: latents }))["sample"]!;
    expect(pixels.dims).toEqual([2, 3, height * 8, width * 8]);
    const inside = Array.from(pixels.data as Float32Array).filter((value) => Math.abs(value) <= 1).length;
    expect(inside / pixels.size).toBeGreaterThan(0.9);
    const back = await (await load("vae_encoder")).run({ sample: pixels });
    expect(back["latent_sample"]!.dims).toEqual([2, 4, height, width]);
  });

  it("hears the words: another prompt gives another prediction", async () => {
    const encoder = await load("text_encoder");
    const unet = await load("unet");
    const predictions: Float32Array[] = [];
    for (const word of [600n, 900n]) {
      const ids = BigInt64Array.from({ length: 77 }, (_, index) => (index === 0 ? 1022n : index === 1 ? word : 1023n));
      const text = await encoder.run({ input_ids: new Tensor("int64", ids, [1, 77]) });
      const result = await unet.run({
        sample: new Tensor("float32", new Float32Array(256).fill(0.5), [1, 4, 8, 8]),
        timestep: new Tensor("int64", BigInt64Array.of(500n), [1]),
        encoder_hidden_states: text["last_hidden_state"]!,
      });
      predictions.push(result["out_sample"]!.data as Float32Array);
    }
    const change = predictions[0]!.reduce((sum, value, index) => sum + Math.abs(value - predictions[1]![index]!), 0);
    expect(change).toBeGreaterThan(1);
  });
});

function readJson(path: string): unknown {
  return JSON.parse(readFileSync(join(models, path), "utf8"));
}

function only<T>(items: readonly T[]): T {
  expect(items).toHaveLength(1);
  return items[0]!;
}

function dot(left: readonly number[], right: readonly number[]): number {
  return left.reduce((sum, value, index) => sum + value * right[index]!, 0);
}
