// The CLIP tokenizer on the bundled vocabulary, against transformers.js: its tokenizer is given what a converter writes for CLIP.
// clip-tokenizer.test.ts has published ids for the real vocabulary.
import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { CLIPTokenizer } from "@huggingface/transformers";
import fc from "fast-check";
import { beforeAll, describe, expect, it } from "vitest";
import { loadClipTokenizer } from "../../../../../src/backends/diffusion/prompt/clip-tokenizer-files.ts";
import { type ClipTokenizer } from "../../../../../src/backends/diffusion/prompt/clip-tokenizer.ts";

const folder = resolve(import.meta.dirname, "../../../../../models/tiny-image/tokenizer");
const [start, end] = ["<|startoftext|>", "<|endoftext|>"];

/** transformers.js on the bundled vocabulary, without the two frame tokens. */
function createReference(): (text: string) => number[] {
  const vocabulary = JSON.parse(readFileSync(join(folder, "vocab.json"), "utf8")) as Record<string, number>;
  const merges = readFileSync(join(folder, "merges.txt"), "utf8")
    .split("\n")
    .filter((line) => line !== "" && !line.startsWith("#version"));
  const added = [start, end].map((content) => ({
    id: vocabulary[content],
    content,
    special: true,
    normalized: content === start,
    single_word: false,
    lstrip: false,
    rstrip: false,
  }));
  const pattern = String.raw`'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+`;
  const definition = {
    added_tokens: added,
    normalizer: {
      type: "Sequence",
      normalizers: [
        { type: "NFC" },
        { type: "Replace", pattern: { Regex: String.raw`\s+` }, content: " " },
        { type: "Lowercase" },
      ],
    },
    pre_tokenizer: {
      type: "Sequence",
      pretokenizers: [
        { type: "Split", pattern: { Regex: pattern }, behavior: "Removed", invert: true },
        { type: "ByteLevel", add_prefix_space: false, trim_offsets: true },
      ],
    },
    post_processor: null,
    decoder: { type: "ByteLevel" },
    model: {
      type: "BPE",
      vocab: vocabulary,
      merges,
      unk_token: end,
      continuing_subword_prefix: "",
      end_of_word_suffix: "</w>",
    },
  };
  const tokenizer = new CLIPTokenizer(definition, { unk_token: end, eos_token: end, bos_token: start });
  return (text) => tokenizer.encode(text, { add_special_tokens: false });
}

describe("CLIP tokenizer on the bundled vocabulary", () => {
  const reference = createReference();
  let tokenizer: ClipTokenizer;
  beforeAll(async () => {
    tokenizer = await loadClipTokenizer(folder, { signal: new AbortController().signal });
  });

  it.each([
    "a red house on a green hill",
    "A Photo of an ASTRONAUT riding a horse",
    "don't, we'll, they've, it's, I'm, you'd, we're",
    "8k uhd, f/1.8, 35mm (masterpiece:1.2)",
    "  white \t space\n\nof every   kind ",
    "façade, e\u0301, Straße, ÅNGSTRÖM",
    "生活 鱼と猫 고양이 🙂 👩‍👩‍👧",
    `a cat${end}a dog`,
    "",
  ])("gives the ids of transformers.js: %j", (text) => {
    expect(tokenizer.encode(text)).toEqual(reference(text));
  });

  it("gives the ids of transformers.js for any words", () => {
    const word = fc.oneof(
      fc.lorem({ maxCount: 1 }),
      fc.string({ maxLength: 8 }),
      fc.constantFrom("é", "火", "½", "'ll"),
    );
    fc.assert(
      fc.property(fc.array(word, { maxLength: 12 }), (words) => {
        const text = words.join(" ");
        expect(tokenizer.encode(text)).toEqual(reference(text));
      }),
      { numRuns: 300 },
    );
  });

  it("frames and pads a prompt, and cuts a long one into chunks", () => {
    const { bosId, eosId, padId } = tokenizer;
    const ids = tokenizer.encode("a red house");
    const [chunk] = tokenizer.encodePrompt("a red house").chunks;
    expect(chunk).toEqual([bosId, ...ids, eosId, ...Array.from({ length: 75 - ids.length }, () => padId)]);
    const long = tokenizer.encodePrompt("house ".repeat(100));
    expect(long.chunks.map((part) => part.length)).toEqual(long.chunks.map(() => 77));
    expect(long.chunks.length).toBe(Math.ceil(long.tokenCount / 75));
  });

  it("never throws, and yields ids of the vocabulary, on any sequence of code units", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary", maxLength: 200 }), fc.array(fc.nat(0xffff)), (text, units) => {
        for (const input of [text, String.fromCharCode(...units)]) {
          const ids = tokenizer.encode(input);
          expect(ids.every((id) => Number.isInteger(id) && id >= 0 && id <= tokenizer.eosId)).toBe(true);
        }
      }),
      { numRuns: 200 },
    );
  });
});
