import { describe, expect, it } from "vitest";

import { readCorpus } from "../../../scripts/build-models/bundled/corpus.ts";
import { padVocabulary } from "../../../scripts/build-models/fixtures/padded-vocabulary.ts";
import { trainClipBpe } from "../../../scripts/build-models/tokenizers/bpe.ts";
import { byteAlphabet, toByteLevel } from "../../../scripts/build-models/tokenizers/byte-level.ts";
import { learnMerges } from "../../../scripts/build-models/tokenizers/pair-merging.ts";
import { trainWordPiece } from "../../../scripts/build-models/tokenizers/wordpiece.ts";

describe("byte-level writing", () => {
  it("starts its alphabet as published vocabularies do and has 256 different characters", () => {
    expect(byteAlphabet.slice(0, 3)).toEqual(["!", '"', "#"]);
    expect(new Set(byteAlphabet).size).toBe(256);
    expect(toByteLevel(" a\n")).toBe("ĠaĊ");
  });
});

describe("learnMerges", () => {
  it("merges the most frequent pair first, and the lower code units where two are as frequent", () => {
    // The example of Sennrich et al., 2016, figure 1, without its end-of-word mark.
    const words = Object.entries({ low: 5, lower: 2, newest: 6, widest: 3 });
    const counted = words.map(([word, count]) => ({ symbols: Array.from(word), count }));
    const learned = learnMerges(counted, { merges: 4 }).map(({ left, right }) => `${left} ${right}`);
    expect(learned).toEqual(["e s", "es t", "l o", "lo w"]);
  });

  it("stops where no pair is frequent enough", () => {
    expect(learnMerges([{ symbols: ["a", "b", "c"], count: 1 }], { merges: 9, minimumCount: 2 })).toEqual([]);
    expect(learnMerges([{ symbols: ["a", "b", "c"], count: 1 }], { merges: 9 })).toHaveLength(2);
  });
});

describe("vocabularies of the corpus", () => {
  it("ends CLIP's vocabulary with the control tokens, so that the end of a text has the highest id", () => {
    const { tokens } = trainClipBpe(readCorpus(), 800);
    expect(tokens.slice(-2)).toEqual(["<|startoftext|>", "<|endoftext|>"]);
    expect(tokens.slice(0, 3)).toEqual(["!", '"', "#"]);
    expect(tokens).toContain("the</w>");
    expect(new Set(tokens).size).toBe(800);
  });

  it("has single letters of many scripts for WordPiece, alone and within words", () => {
    const { tokens } = trainWordPiece(readCorpus(), 2048);
    expect(tokens).toHaveLength(2048);
    expect(tokens.slice(0, 5)).toEqual(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]);
    expect(tokens).toEqual(
      expect.arrayContaining(["a", "##a", "7", "я", "##я", "α", "ก", "你", "query", "passage", "?"]),
    );
  });

  it("can be brought to a published size, with the control tokens still last", () => {
    expect(padVocabulary(["a", "b", "<end>"], { size: 5, keepLast: 1 })).toEqual([
      "a",
      "b",
      "[unused0]",
      "[unused1]",
      "<end>",
    ]);
  });
});
