// The real vocabulary of Stable Diffusion 1 against ids that others have published. Ids are without bos (49406) and eos (49407).
import { readFileSync } from "node:fs";
import fc from "fast-check";
import { beforeAll, describe, expect, it } from "vitest";
import {
  loadClipTokenizer,
  parseClipTokenizer,
} from "../../../../../src/backends/diffusion/prompt/clip-tokenizer-files.ts";
import {
  createClipTokenizer,
  type ClipTokenizer,
} from "../../../../../src/backends/diffusion/prompt/clip-tokenizer.ts";
import { shared, sharedPath } from "../../../../support/shared.ts";

const folder = ["models", "clip-tokenizer"] as const;
const reference = shared(...folder, "vocab.json");

interface Published {
  readonly text: string;
  readonly ids: readonly number[];
}

// huggingface/transformers.js, packages/transformers/tests/models/clip/test_tokenization_clip.js and tests/models/test_strings.js.
const transformersJs: readonly Published[] = [
  { text: "How are you doing?", ids: [829, 631, 592, 1960, 286] },
  { text: "You should've done this", ids: [592, 1535, 1200, 1700, 589] },
  {
    text: "0123456789 0 1 2 3 4 5 6 7 8 9 10 100 1000",
    ids: [
      271, 272, 273, 274, 275, 276, 277, 278, 279, 280, 271, 272, 273, 274, 275, 276, 277, 278, 279, 280, 272, 271, 272,
      271, 271, 272, 271, 271, 271,
    ],
  },
  { text: "The company was founded in 2016.", ids: [518, 2634, 739, 12240, 530, 273, 271, 272, 277, 269] },
  { text: "A\n'll !!to?'d''d of, can't.", ids: [320, 1342, 748, 531, 13610, 323, 8445, 323, 539, 267, 753, 713, 269] },
  { text: "def main():\n\tpass", ids: [11649, 2623, 7, 4143, 3511] },
  {
    text: "let a = obj.toString();\ntoString();",
    ids: [1094, 320, 284, 1411, 329, 269, 580, 9696, 7, 19686, 580, 9696, 7, 19686],
  },
  { text: "This\n\nis\na\ntest.", ids: [589, 533, 320, 1628, 269] },
  { text: "UNwantéd,running", ids: [569, 18356, 3459, 323, 267, 2761] },
  { text: "1\u00002�3", ids: [272, 444, 273, 39802, 274] },
  { text: "Hello World", ids: [3306, 1002] },
  { text: "hello world", ids: [3306, 1002] },
  { text: "生活的真谛是", ids: [33375, 162, 112, 119, 163, 248, 226, 41570, 164, 108, 249, 42891, 363] },
  { text: "   leading space", ids: [3833, 2138] },
  { text: "trailing space   ", ids: [37427, 2138] },
  { text: "Hi  Hello", ids: [1883, 3306] },
  {
    text: "test $1 R2 #3 €4 £5 ¥6 ₣7 ₹8 ₱9 test",
    ids: [
      1628, 259, 272, 337, 273, 258, 274, 6309, 275, 1950, 276, 20199, 277, 5227, 352, 278, 21777, 279, 5227, 365, 280,
      1628,
    ],
  },
  {
    text: "I bought an apple for $1.00 at the store.",
    ids: [328, 4142, 550, 3055, 556, 259, 272, 269, 271, 271, 536, 518, 2183, 269],
  },
  { text: "you…  ", ids: [592, 959] },
  { text: "you…\u00a0\u00a0", ids: [592, 959] },
  { text: "you…\u00a0\u00a0you…\u00a0\u00a0", ids: [592, 959, 592, 959] },
  { text: "weird ～ edge ～ case", ids: [5613, 171, 121, 508, 5461, 171, 121, 508, 2068] },
  {
    text: "▁This ▁is ▁a ▁test ▁.",
    ids: [4168, 479, 589, 4168, 479, 533, 4168, 479, 320, 4168, 479, 1628, 4168, 223, 269],
  },
  {
    text: "😂 👍 🤣 😍 😭 🎉 🙏 😊 🔥 😁 😅 🤗 😆 👏 ❤\ufe0f 💜 💚 💗 💙 🖤 😎 👌 🥳 💪 ✨ 👉 👀 💯 🎈 🙈 🙌 💀 👇 👋 ✅ 🎁 🌞 🌸 💰",
    ids: [
      1558, 4201, 9909, 1754, 3915, 3986, 5503, 3020, 3016, 4821, 9188, 10465, 10943, 4829, 1752, 4882, 6521, 6690,
      4074, 10860, 4345, 4494, 28055, 6440, 3531, 3988, 5908, 7018, 14448, 9516, 4855, 12158, 7475, 17686, 5564, 13462,
      12980, 10980, 14078,
    ],
  },
  {
    text: "✨ 🤗 👁\ufe0f 👱🏻 🕵\u200d♂\ufe0f 🧙🏻\u200d♂ 👨🏻\u200d🌾 🧑\u200d🤝\u200d🧑 👩\u200d❤\u200d💋\u200d👨 👩\u200d👩\u200d👧\u200d👦 🧑🏻\u200d🤝\u200d🧑🏻 🏴󠁧󠁢󠁥󠁮󠁧󠁿 👨🏻\u200d❤\ufe0f\u200d💋\u200d👨🏼",
    ids: [
      3531, 10465, 47796, 1001, 964, 109, 3702, 7692, 113, 10613, 8792, 247, 5042, 5177, 480, 18966, 46250, 39796, 8792,
      239, 4244, 1793, 251, 4244, 8792, 495, 26304, 1266, 4244, 12217, 4244, 964, 357, 26304, 26304, 48938, 4244, 964,
      355, 8792, 239, 46250, 1793, 251, 4244, 8792, 239, 3702, 39690, 175, 254, 223, 100, 175, 254, 223, 95, 175, 254,
      223, 98, 175, 254, 223, 106, 175, 254, 223, 100, 175, 254, 223, 379, 18966, 46250, 2626, 4244, 12217, 4244, 18966,
      4027,
    ],
  },
];

const others: readonly (Published & { readonly source: string })[] = [
  {
    source: "apple/ml-stable-diffusion, StableDiffusionTests.swift",
    text: "a photo of an astronaut riding a horse on mars",
    ids: [320, 1125, 539, 550, 18376, 6765, 320, 4558, 525, 7496],
  },
  {
    source: "apple/ml-stable-diffusion, StableDiffusionTests.swift",
    text: "Apple CoreML developer tools on a Macbook Air are fast",
    ids: [3055, 19622, 5780, 10929, 5771, 525, 320, 20617, 1922, 631, 1953],
  },
  {
    source: "Emgu CV, AutoTestModels (CLIP)",
    text: "Hello, World! 123",
    ids: [3306, 267, 1002, 256, 272, 273, 274],
  },
  { source: "Emgu CV, AutoTestModels (CLIP)", text: "a photo of a cat", ids: [320, 1125, 539, 320, 2368] },
  { source: "a NumPy port of open_clip's SimpleTokenizer", text: "the black dog", ids: [518, 1449, 1929] },
];

// The Rust library tokenizers 0.23.2 with the normalizer, pattern and model that CLIPTokenizerFast builds from this vocabulary.
const rustLibrary: readonly Published[] = [
  { text: "ΟΔΥΣΣΕΥΣ", ids: [138, 123, 138, 112, 139, 227, 139, 225, 139, 225, 138, 113, 139, 227, 139, 481] },
  { text: "İstanbul'da", ids: [328, 16384, 11231, 1896, 320] },
  { text: "e\u0301te\u0301", ids: [3459, 39694] },
  { text: "(masterpiece:1.2), [bad hands]", ids: [263, 12066, 281, 272, 269, 273, 2361, 314, 2103, 3500, 316] },
  { text: "WE'VE seen O'Clock", ids: [649, 1200, 2041, 334, 262, 6716] },
  { text: "a\u0085b\u3000c\u001cd\ufeffe", ids: [320, 321, 322, 472, 323, 171, 119, 379, 324] },
  { text: "½ cup, Ⅷ kings, x² + 1", ids: [33613, 1937, 267, 158, 227, 371, 4232, 267, 343, 41175, 266, 272] },
  { text: "“a red apple” — still life", ids: [728, 506, 320, 736, 3055, 728, 507, 2005, 1170, 970] },
  { text: "鱼と猫 and 고양이", ids: [165, 109, 120, 34671, 163, 234, 360, 537, 36216, 254, 31625, 239, 34746] },
  {
    text: "8k uhd, dslr, f/1.8, 35mm",
    ids: [279, 330, 84, 4414, 267, 33740, 267, 325, 270, 272, 269, 279, 267, 274, 276, 2848],
  },
];

describe.skipIf(!reference.isMet)(`CLIP tokenizer on the real vocabulary${reference.note}`, () => {
  let tokenizer: ClipTokenizer;
  const signal = new AbortController().signal;
  beforeAll(async () => {
    tokenizer = await loadClipTokenizer(sharedPath(...folder), { signal });
  });

  it.each(transformersJs)("as transformers.js: $text", ({ text, ids }) => {
    expect(tokenizer.encode(text)).toEqual(ids);
  });

  it.each(others)("as $source: $text", ({ text, ids }) => {
    expect(tokenizer.encode(text)).toEqual(ids);
  });

  it.each(rustLibrary)("as the Rust library: $text", ({ text, ids }) => {
    expect(tokenizer.encode(text)).toEqual(ids);
  });

  it("frames and pads a prompt as Stable Diffusion 1 is trained", () => {
    const { chunks, tokenCount } = tokenizer.encodePrompt("a photo of a cat");
    expect(chunks).toEqual([[49406, 320, 1125, 539, 320, 2368, ...Array.from({ length: 71 }, () => 49407)]]);
    expect(tokenCount).toBe(5);
  });

  it("takes the framing tokens literally where a prompt holds them, as the reference does", () => {
    expect(tokenizer.encode("a cat<|endoftext|>a dog")).toEqual([320, 2368, 49407, 320, 1929]);
    expect(tokenizer.encode("<|StartOfText|>")).toEqual([49406]);
  });

  it("takes a pad token in the text for itself, as transformers.js has it for owlvit-base-patch32", () => {
    const [vocabJson, mergesTxt] = ["vocab.json", "merges.txt"].map((name) =>
      readFileSync(sharedPath(...folder, name), "utf8"),
    );
    const files = { vocabJson, mergesTxt, specialTokensMapJson: '{"pad_token": "!"}' };
    const padded = createClipTokenizer(parseClipTokenizer(files));
    const ids = [320, 1342, 0, 0, 531, 13610, 323, 8445, 323, 539, 267, 753, 713, 269];
    expect(padded.encode("A\n'll !!to?'d''d of, can't.")).toEqual(ids);
    expect(padded.encodePrompt("a").chunks[0]!.slice(0, 4)).toEqual([49406, 320, 49407, 0]);
  });

  it("never throws, and yields ids of the vocabulary, on any sequence of code units", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary", maxLength: 200 }), fc.array(fc.nat(0xffff)), (text, units) => {
        for (const input of [text, String.fromCharCode(...units)]) {
          const ids = tokenizer.encode(input);
          expect(ids.every((id) => Number.isInteger(id) && id >= 0 && id < 49_408)).toBe(true);
        }
      }),
      { numRuns: 200 },
    );
  });

  it("splits a run of 20,000 letters without blocking", () => {
    const letters = Array.from({ length: 20_000 }, (_, i) => String.fromCodePoint(97 + ((i * 7919 + i * i) % 26)));
    const ids = tokenizer.encode(letters.join(""));
    const vocabulary = JSON.parse(readFileSync(sharedPath(...folder, "vocab.json"), "utf8")) as Record<string, number>;
    const symbols = new Map(Object.entries(vocabulary).map(([symbol, id]) => [id, symbol]));
    expect(ids.map((id) => symbols.get(id)).join("")).toBe(`${letters.join("")}</w>`);
  });
});
