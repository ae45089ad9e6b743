import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  encodeBody,
  encodeInput,
  encodePair,
  longestFirst,
  withPrefix,
  type EncodingSettings,
} from "../../../../../src/backends/embedding/text/encode-text.ts";
import { createTimeSlices } from "../../../../../src/util/time-slice.ts";
import type { EmbeddingInput, EmbeddingRequest } from "../../../../../src/domain/embedding.ts";

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

const e5 = { queryPrefix: "query: ", passagePrefix: "passage: ", defaultInputType: "query" } as const;
const bare = { queryPrefix: "", passagePrefix: "", defaultInputType: "none" } as const;
const slices = createTimeSlices(new AbortController().signal);

async function idsOf(
  input: EmbeddingInput,
  {
    inputType,
    options = bare,
    settings = createSettings(),
  }: {
    inputType?: EmbeddingRequest["inputType"];
    options?: typeof e5 | typeof bare;
    settings?: EncodingSettings;
  } = {},
): Promise<number[]> {
  const { ids } = await encodeInput(input, { param: "input[3]", inputType, options, settings, slices });
  return [...ids];
}

describe("withPrefix", () => {
  it.each([
    ["the default role's prefix when the request names none", undefined, "query: hello"],
    ["the query prefix", "query", "query: hello"],
    ["the passage prefix", "passage", "passage: hello"],
    ["nothing for none", "none", "hello"],
  ] as const)("adds %s", (_, inputType, expected) => {
    expect(withPrefix("hello", { inputType, options: e5 })).toBe(expected);
  });

  it("never doubles a prefix the caller wrote", () => {
    expect(withPrefix("query: hello", { inputType: undefined, options: e5 })).toBe("query: hello");
    expect(withPrefix("query:hello", { inputType: "query", options: e5 })).toBe("query:hello");
  });

  it("takes a written prefix of the other role as the caller's choice, unless the request names a role", () => {
    expect(withPrefix("passage: hello", { inputType: undefined, options: e5 })).toBe("passage: hello");
    expect(withPrefix("passage: hello", { inputType: "query", options: e5 })).toBe("query: passage: hello");
  });
});

describe("encodeInput", () => {
  it("puts the special tokens around a text", async () => {
    expect(await idsOf("a bb")).toEqual([cls, 1001, 1002, sep]);
  });

  it("keeps the last special token when it truncates", async () => {
    expect(await idsOf("a a a a a a a a a a")).toEqual([cls, 1001, 1001, 1001, 1001, 1001, 1001, sep]);
  });

  it("counts the prefix into the length", async () => {
    const ids = await idsOf("a a a a a a a a a a", { options: e5 });
    expect(ids).toEqual([cls, 1006, 1001, 1001, 1001, 1001, 1001, sep]);
  });

  it("refuses a long text by policy, with the real counts and the input's place", async () => {
    const settings = createSettings({ truncation: "error" });
    await expect(idsOf("a ".repeat(100), { settings })).rejects.toMatchObject({
      kind: "context_length_exceeded",
      param: "input[3]",
      message: expect.stringMatching(/102 tokens.*at most 8/),
    });
  });

  it("accepts a text of exactly the longest length by policy", async () => {
    const settings = createSettings({ truncation: "error" });
    expect(await idsOf("a a a a a a", { settings })).toHaveLength(8);
  });

  it.each(["", []])("refuses the empty input %j", async (input) => {
    await expect(idsOf(input)).rejects.toMatchObject({ kind: "invalid_value", param: "input[3]" });
  });
});

describe("token ids", () => {
  it("get special tokens where they lack them, and no second ones", async () => {
    expect(await idsOf([1001, 1002])).toEqual([cls, 1001, 1002, sep]);
    expect(await idsOf([cls, 1001, 1002, sep])).toEqual([cls, 1001, 1002, sep]);
  });

  it("get the role's prefix as a text does, once", async () => {
    expect(await idsOf([1001], { options: e5 })).toEqual([cls, 1006, 1001, sep]);
    expect(await idsOf([cls, 1006, 1001, sep], { options: e5 })).toEqual([cls, 1006, 1001, sep]);
  });

  it("are cut inside the special tokens", async () => {
    const ids = await idsOf([cls, ...Array.from({ length: 20 }, () => 1001), sep]);
    expect(ids).toHaveLength(8);
    expect(ids.at(-1)).toBe(sep);
  });

  it.each([30_522, -1, 1.5, 100_257])("outside the vocabulary are refused with their place: %d", async (id) => {
    await expect(idsOf([5, 6, id])).rejects.toMatchObject({
      kind: "invalid_value",
      param: "input[3][2]",
      message: expect.stringContaining(`input[3][2] is ${id}; the token ids of this model are 0 to 30521`),
    });
  });
});

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

  it("counts all tokens of a long text by policy", async () => {
    const settings = createSettings({ truncation: "error" });
    expect((await encodeBody("word ".repeat(50_000), { limit: 6, settings, slices })).tokens).toBe(50_000);
  });
});

describe("pairs", () => {
  const pair = (query: number[], document: string, settings = createSettings()) =>
    encodePair(query, { document, index: 2, settings, slices });

  it("mark where the second text begins", async () => {
    const { ids, secondAt } = await pair([1001], "bb ccc");
    expect([...ids]).toEqual([cls, 1001, sep, 1002, 1003, sep]);
    expect(secondAt).toBe(3);
  });

  it("cut the longer text first and keep every special token", async () => {
    const { ids } = await pair([1001], "bb bb bb bb bb bb bb bb");
    expect([...ids]).toEqual([cls, 1001, sep, 1002, 1002, 1002, 1002, sep]);
  });

  it("are refused by policy, naming the document", async () => {
    const settings = createSettings({ truncation: "error" });
    await expect(pair([1001], "bb ".repeat(9), settings)).rejects.toMatchObject({
      kind: "context_length_exceeded",
      param: "documents[2]",
      message: expect.stringContaining("13 tokens"),
    });
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
