// WordPiece on the published vocabulary of BERT, and what no text may do to any tokenizer.
import type { InputLength } from "../../../src/backends/common/embedding-policy.ts";
import { readFileSync } from "node:fs";
import fc from "fast-check";
import { beforeAll, describe, expect, it } from "vitest";
import { EmbeddingPolicy } from "../../../src/backends/common/embedding-policy.ts";
import { encodeBody, type EncodingSettings } from "../../../src/backends/embedding/text/encode-text.ts";
import { loadTextTokenizer, type TextTokenizer } from "../../../src/backends/embedding/text/text-tokenizer.ts";
import { createTimeSlices } from "../../../src/util/time-slice.ts";
import { embeddingDefaults, tinyEmbedFolder } from "../../support/embedding.ts";
import { sharedPath, shared } from "../../support/shared.ts";
import { fixtureFolder } from "../../support/reference-embeddings.ts";

const reference = shared("models", "bert-uncased-tokenizer");

/** The ids of a text as the backend feeds them to the graph. */
async function encodeWhole(text: string, settings: EncodingSettings): Promise<readonly number[]> {
  const { tokenizer, maxTokens, vocabularySize } = settings;
  const policy = new EmbeddingPolicy({
    options: embeddingDefaults,
    maxTokens,
    dimensions: 1,
    vocabularySize,
    ...tokenizer.single,
    encode: (short) => tokenizer.encode(short),
  });
  const slices = createTimeSlices(new AbortController().signal);
  const encodeText = (whole: string, { limit }: InputLength) => encodeBody(whole, { limit, settings, slices });
  return (await policy.readInput(text, { index: 0, request: {}, encodeText })).ids;
}

function settingsOf(tokenizer: TextTokenizer, maxTokens = 512): EncodingSettings {
  return { tokenizer, maxTokens, vocabularySize: tokenizer.vocabularySize, truncation: "truncate" };
}

describe.skipIf(!reference.isMet)(`WordPiece on the vocabulary of bert-base-uncased${reference.note}`, () => {
  let tokenizer: TextTokenizer;
  let vocabulary: string[];
  beforeAll(async () => {
    tokenizer = await loadTextTokenizer(sharedPath("models", "bert-uncased-tokenizer"));
    vocabulary = readFileSync(sharedPath("models", "bert-uncased-tokenizer", "vocab.txt"), "utf8").split("\n");
  });
  const idsOf = (pieces: string): number[] => pieces.split(" ").map((piece) => vocabulary.indexOf(piece));

  // The first three are printed in Hugging Face's documentation and course (chapter 2) for this vocabulary.
  it.each([
    ["I love transformers!", [101, 1045, 2293, 19081, 999, 102]],
    [
      "I've been waiting for a HuggingFace course my whole life.",
      [101, 1045, 1005, 2310, 2042, 3403, 2005, 1037, 17662, 12172, 2607, 2026, 2878, 2166, 1012, 102],
    ],
    ["I hate this so much!", [101, 1045, 5223, 2023, 2061, 2172, 999, 102]],
  ])("gives the published ids of %j", async (text, ids) => {
    expect(await encodeWhole(text, settingsOf(tokenizer))).toEqual(ids);
  });

  it.each([
    ["cased and accented letters", "Naïve CAFÉ in München", "naive cafe in munchen"],
    ["an emoji that the vocabulary lacks", "ok 😀!", "ok [UNK] !"],
    ["ideographs, each a word of its own", "日本語", "日 本 語"],
    ["pieces of a word", "unaffable", "una ##ffa ##ble"],
    ["a word of more than 100 letters", `${"a".repeat(101)} b`, "[UNK] b"],
    ["control characters and odd spaces", "a\u0000b\u00a0c\u2003d\te\u200bf", "ab c d e ##f"],
  ])("tokenises %s", (_, text, pieces) => {
    expect(tokenizer.encode(text)).toEqual(idsOf(pieces));
  });

  it("ignores the fixed padding and the truncation at 128 that its file asks for", async () => {
    expect(await encodeWhole("hello", settingsOf(tokenizer))).toHaveLength(3);
    expect(await encodeWhole("hello ".repeat(300), settingsOf(tokenizer))).toHaveLength(302);
  });

  it("keeps [SEP] when it truncates", async () => {
    const ids = await encodeWhole("hello ".repeat(3000), settingsOf(tokenizer));
    expect(ids).toHaveLength(512);
    expect(ids.slice(-2)).toEqual([7592, 102]);
  });

  it("reads special tokens and segments from the tokenizer itself", () => {
    expect(tokenizer.single).toEqual({ before: [101], after: [102] });
    expect(tokenizer.pair).toEqual({ before: [101], between: [102], after: [102], secondSegment: 1 });
    expect(tokenizer.padId).toBe(0);
    expect(tokenizer.vocabularySize).toBe(30_522);
  });
});

describe("10,000 random Unicode strings", () => {
  // Lone surrogates included: JSON can carry them.
  const anything = fc.oneof(
    fc.string({ unit: "binary", maxLength: 60 }),
    fc.string({ unit: "grapheme", maxLength: 60 }),
    fc.array(fc.integer({ min: 0, max: 0xffff }), { maxLength: 40 }).map((units) => String.fromCharCode(...units)),
  );

  it.each([
    ["WordPiece", () => tinyEmbedFolder],
    ["Unigram", () => fixtureFolder("xlm-roberta")],
    ["BPE", () => fixtureFolder("embedding-gemma")],
  ])("become ids within the vocabulary and the length (%s)", async (_, folder) => {
    const tokenizer = await loadTextTokenizer(folder());
    const settings = settingsOf(tokenizer, 32);
    const { before, after } = tokenizer.single;
    await fc.assert(
      fc.asyncProperty(anything, async (text) => {
        if (text === "") return;
        const ids = await encodeWhole(text, settings);
        expect(ids.length).toBeLessThanOrEqual(32);
        expect([ids[0], ids.at(-1)]).toEqual([before[0], after[0]]);
        expect(ids.every((id) => Number.isInteger(id) && id >= 0 && id < tokenizer.vocabularySize)).toBe(true);
      }),
      { numRuns: 10_000 },
    );
  });
});
