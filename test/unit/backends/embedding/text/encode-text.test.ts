import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  encodeBody,
  encodePair,
  encodeQuery,
  longestFirst,
  type EncodingSettings,
} from "../../../../../src/backends/embedding/text/encode-text.ts";
import { createTimeSlices } from "../../../../../src/util/time-slice.ts";

const cls = 101;
const sep = 102;

/** Words are tokens; a word's id is its length plus 1,000. `reads` tells how much text was tokenised. */
function createSettings(overrides: Partial<EncodingSettings> = {}): EncodingSettings & { readonly reads: number[] } {
  const reads: number[] = [];
  return {
    reads,
    maxTokens: 8,
    vocabularySize: 30_522,
    truncation: "truncate",
    tokenizer: {
      encode(text) {
        reads.push(text.length);
        return text.split(/\s+/).flatMap((word) => (word === "" ? [] : [1000 + word.length]));
      },
      single: { before: [cls], after: [sep] },
      pair: { before: [cls], between: [sep], after: [sep], secondSegment: 1 },
      padId: 0,
      vocabularySize: 30_522,
    },
    ...overrides,
  };
}

const slices = createTimeSlices(new AbortController().signal);

describe("encodeBody", () => {
  it("reads no more of a long text than can be used", async () => {
    const settings = createSettings();
    const { ids } = await encodeBody("word ".repeat(200_000), { limit: 6, settings, slices });
    expect(ids.length).toBeGreaterThanOrEqual(6);
    expect(Math.max(...settings.reads)).toBeLessThan(1000);
  });

  it("reads on where the beginning holds too few tokens", async () => {
    const { ids } = await encodeBody(`${" ".repeat(50_000)}a bb ccc`, { limit: 6, settings: createSettings(), slices });
    expect(ids).toEqual([1001, 1002, 1003]);
  });

  it("gives the same first tokens as the whole text, wherever it cuts", async () => {
    const word = fc.string({ minLength: 1, maxLength: 40, unit: fc.constantFrom("a", "é", "日", "😀") });
    await fc.assert(
      fc.asyncProperty(fc.array(word, { maxLength: 400 }), async (words) => {
        const text = words.join(" ");
        const settings = createSettings();
        const whole = settings.tokenizer.encode(text).slice(0, 6);
        const { ids } = await encodeBody(text, { limit: 6, settings, slices });
        expect(ids.slice(0, 6)).toEqual(whole);
      }),
    );
  });

  it("counts all tokens of a long text where `truncation` is `error`", async () => {
    const settings = createSettings({ truncation: "error" });
    expect((await encodeBody("word ".repeat(50_000), { limit: 6, settings, slices })).tokens).toBe(50_000);
  });
});

describe("pairs", () => {
  const pair = async (query: string, document: string, settings = createSettings()) =>
    encodePair(await encodeQuery(query, { settings, slices }), { document, index: 2, settings, slices });

  it("mark where the second text begins", async () => {
    const { ids, secondAt } = await pair("a", "bb ccc");
    expect([...ids]).toEqual([cls, 1001, sep, 1002, 1003, sep]);
    expect(secondAt).toBe(3);
  });

  it("cut the longer text first and keep every special token", async () => {
    const { ids } = await pair("a", "bb bb bb bb bb bb bb bb");
    expect([...ids]).toEqual([cls, 1001, sep, 1002, 1002, 1002, 1002, sep]);
  });

  it("that are too long are refused where `truncation` is `error`, naming the document", async () => {
    const settings = createSettings({ truncation: "error" });
    await expect(pair("a", "bb ".repeat(9), settings)).rejects.toMatchObject({
      kind: "context_length_exceeded",
      param: "documents[2]",
      message: expect.stringContaining("13 tokens"),
    });
  });

  it("of texts that are not read to their ends leave an odd place to the longer one", async () => {
    const long = (words: number): string => "bb ".repeat(words);
    const kept = async (query: number, document: number): Promise<number> => {
      const { ids, secondAt } = await pair(long(query), long(document));
      expect(ids).toHaveLength(8);
      return secondAt - 2;
    };
    expect(await kept(5000, 4000)).toBe(3);
    expect(await kept(4000, 5000)).toBe(2);
    expect(await kept(5000, 5000)).toBe(2);
  });

  // Values of the Rust tokenizers' truncate_encodings with the strategy longest_first.
  it.each([
    [3, 3, 10, 3, 3],
    [20, 3, 10, 7, 3],
    [3, 20, 10, 3, 7],
    [20, 20, 10, 5, 5],
    [20, 20, 11, 5, 6],
    [21, 20, 11, 6, 5],
    [6, 20, 11, 5, 6],
  ])("of %d and %d tokens in %d places keep %d and %d", (first, second, limit, keptFirst, keptSecond) => {
    expect(longestFirst({ first, second, limit })).toEqual({ first: keptFirst, second: keptSecond });
  });
});
