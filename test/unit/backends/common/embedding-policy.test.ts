import { describe, expect, it } from "vitest";
import {
  EmbeddingPolicy,
  type EmbeddingPolicyOptions,
  type ReadInput,
} from "../../../../src/backends/common/embedding-policy.ts";
import type { EmbeddingInput, EmbeddingRequest } from "../../../../src/domain/embedding.ts";

const cls = 101;
const sep = 102;
const bare: EmbeddingPolicyOptions = {
  queryPrefix: "",
  passagePrefix: "",
  defaultPrefix: "",
  prompts: {},
  tokenIds: "auto",
  normalize: true,
  truncation: "truncate",
  dimensions: 0,
};
const e5 = { ...bare, queryPrefix: "query: ", passagePrefix: "passage: ", defaultPrefix: "query: " } as const;

/** Words are tokens; a word's id is its length plus 1,000. */
const encode = (text: string): number[] =>
  text.split(/\s+/).flatMap((word) => (word === "" ? [] : [1000 + word.length]));

function createPolicy(options: Partial<EmbeddingPolicyOptions> = {}): EmbeddingPolicy {
  return new EmbeddingPolicy({
    options: { ...bare, ...options },
    maxTokens: 8,
    dimensions: 4,
    vocabularySize: 30_522,
    before: [cls],
    after: [sep],
    encode,
  });
}

/** Ids of one input, and the text that was tokenised for it. */
async function read(
  input: EmbeddingInput,
  {
    inputType,
    promptName,
    truncate,
    asksForOpenAi,
    ...options
  }: Partial<EmbeddingPolicyOptions> & {
    [Key in keyof Omit<EmbeddingRequest, "inputs">]?: EmbeddingRequest[Key] | undefined;
  } = {},
): Promise<ReadInput & { readonly text: string | undefined; readonly trusted: number | undefined }> {
  let read: { readonly text: string; readonly trusted: number } | undefined;
  const request = {
    ...(inputType === undefined ? {} : { inputType }),
    ...(promptName === undefined ? {} : { promptName }),
    ...(truncate === undefined ? {} : { truncate }),
    ...(asksForOpenAi === undefined ? {} : { asksForOpenAi }),
  };
  const found = await createPolicy(options).readInput(input, {
    index: 3,
    request,
    encodeText: async (text, { trusted }) => {
      read = { text, trusted };
      return { ids: encode(text), tokens: encode(text).length };
    },
  });
  return { ...found, text: read?.text, trusted: read?.trusted };
}

describe("the prefix", () => {
  it.each([
    ["of the default role comes before a text whose request names none", undefined, "query: hello"],
    ["of queries comes before a query", "query", "query: hello"],
    ["of passages comes before a passage", "passage", "passage: hello"],
    ["is left out for `none`", "none", "hello"],
  ] as const)("%s", async (_, inputType, expected) => {
    expect((await read("hello", { ...e5, inputType })).text).toBe(expected);
  });

  it("is not doubled where the caller wrote it", async () => {
    expect((await read("query: hello", e5)).text).toBe("query: hello");
    expect((await read("query:hello", { ...e5, inputType: "query" })).text).toBe("query:hello");
  });

  it("of the other role is the caller's choice, unless the request names a role", async () => {
    expect((await read("passage: hello", e5)).text).toBe("passage: hello");
    expect((await read("passage: hello", { ...e5, inputType: "query" })).text).toBe("query: passage: hello");
  });
});

describe("a prompt", () => {
  const prompts = { query: "q: ", document: "", STS: "same? " };

  it("is asked for by its name", async () => {
    expect((await read("hello", { prompts, promptName: "STS" })).text).toBe("same? hello");
    expect((await read("hello", { prompts, promptName: "document" })).text).toBe("hello");
  });

  it("that the model does not have is refused, with those it has", async () => {
    await expect(read("hello", { prompts, promptName: "sts" })).rejects.toMatchObject({
      kind: "invalid_value",
      param: "promptName",
      message: "This model has no prompt 'sts'; its prompts are 'query', 'document', 'STS'.",
    });
    await expect(read("hello", { promptName: "toString" })).rejects.toMatchObject({
      message: "This model has no prompt 'toString'; it has none.",
    });
  });

  it("is refused beside a role, which would ask for another", async () => {
    await expect(read("hello", { prompts, promptName: "STS", inputType: "query" })).rejects.toMatchObject({
      param: "promptName",
    });
  });

  it("is the operator's, whose special tokens are tokens, unless the caller wrote it", async () => {
    expect((await read("hello", { prompts, promptName: "STS" })).trusted).toBe("same? ".length);
    expect((await read("same? hello", { prompts, promptName: "STS" })).trusted).toBe(0);
  });

  it("is counted in tokens, with the special ones before it", async () => {
    expect((await read("hello", e5)).promptTokens).toBe(2);
    expect((await read("hello")).promptTokens).toBe(0);
  });
});

describe("a text", () => {
  it("gets the special tokens around it", async () => {
    expect((await read("a bb")).ids).toEqual([cls, 1001, 1002, sep]);
  });

  it("that is too long is cut, but for the last special token", async () => {
    expect((await read("a ".repeat(10))).ids).toEqual([cls, 1001, 1001, 1001, 1001, 1001, 1001, sep]);
  });

  it("counts its prefix into its length", async () => {
    expect((await read("a ".repeat(10), e5)).ids).toEqual([cls, 1006, 1001, 1001, 1001, 1001, 1001, sep]);
  });

  it("that is too long is refused where `truncation` is `error`, with the counts and its place", async () => {
    await expect(read("a ".repeat(100), { truncation: "error" })).rejects.toMatchObject({
      kind: "context_length_exceeded",
      param: "inputs[3]",
      message: expect.stringMatching(/maximum context length is 8 tokens, however you requested 102 tokens/),
    });
  });

  it("that was not read to its end is refused with a lower bound of its tokens", async () => {
    const encodeText = async () => ({ ids: [], tokens: 40, isLowerBound: true });
    const policy = createPolicy({ truncation: "error" });
    await expect(policy.readInput("a", { index: 0, request: {}, encodeText })).rejects.toMatchObject({
      message: expect.stringContaining("you requested at least 42 tokens"),
    });
  });

  it("that is too long is cut or refused as the request says, whatever the configuration", async () => {
    await expect(read("a ".repeat(100), { truncate: false })).rejects.toMatchObject({
      kind: "context_length_exceeded",
    });
    expect((await read("a ".repeat(100), { truncation: "error", truncate: true })).ids).toHaveLength(8);
  });

  it("of exactly the longest length is accepted where `truncation` is `error`", async () => {
    expect((await read("a a a a a a", { truncation: "error" })).ids).toHaveLength(8);
  });

  it.each(["", []])("is refused where it is empty: %j", async (input) => {
    await expect(read(input)).rejects.toMatchObject({ kind: "invalid_value", param: "inputs[3]" });
  });
});

describe("token ids of OpenAI's", () => {
  const hello = [9906, 1917];

  it("are read to text where the model is asked for by a name of OpenAI's", async () => {
    expect(await read(hello, { asksForOpenAi: true })).toMatchObject({ text: "Hello world", trusted: 0 });
  });

  it("are read to text where the model is configured so, whatever it is asked by", async () => {
    expect((await read(hello, { tokenIds: "cl100k" })).text).toBe("Hello world");
    expect((await read(hello, { tokenIds: "model", asksForOpenAi: true })).text).toBeUndefined();
  });

  it("get a prefix as a text does", async () => {
    expect((await read(hello, { ...e5, tokenIds: "cl100k" })).text).toBe("query: Hello world");
  });

  it("that part a character between them are joined first", async () => {
    // U+1F602 in three tokens.
    expect((await read([9468, 246, 224], { tokenIds: "cl100k" })).text).toBe("\u{1f602}");
  });

  it("may be those of special tokens, which are text", async () => {
    expect((await read([100_257, 1917], { tokenIds: "cl100k" })).text).toBe("<|endoftext|> world");
  });

  it.each([100_256, 100_300, -1])("that the table does not have are refused with their place: %d", async (id) => {
    await expect(read([9906, id], { tokenIds: "cl100k" })).rejects.toMatchObject({
      kind: "invalid_value",
      param: "inputs[3][1]",
    });
  });

  it("are told from the model's own in the answer's warnings", () => {
    const request: EmbeddingRequest = { inputs: ["a", [1001]] };
    expect(createPolicy().warningsOf(request)).toEqual([expect.stringContaining("this model's own tokenizer")]);
    expect(createPolicy().warningsOf({ ...request, asksForOpenAi: true })).toEqual([]);
    expect(createPolicy({ tokenIds: "cl100k" }).warningsOf(request)).toEqual([]);
    expect(createPolicy().warningsOf({ inputs: ["a"] })).toEqual([]);
  });
});

describe("token ids", () => {
  it("get special tokens where they lack them, and no second ones", async () => {
    expect((await read([1001, 1002])).ids).toEqual([cls, 1001, 1002, sep]);
    expect((await read([cls, 1001, 1002, sep])).ids).toEqual([cls, 1001, 1002, sep]);
  });

  it("get the role's prefix as a text does, once", async () => {
    expect((await read([1001], e5)).ids).toEqual([cls, 1006, 1001, sep]);
    expect((await read([cls, 1006, 1001, sep], e5)).ids).toEqual([cls, 1006, 1001, sep]);
  });

  it("are cut inside the special tokens", async () => {
    const { ids } = await read([cls, ...Array.from({ length: 20 }, () => 1001), sep]);
    expect(ids).toHaveLength(8);
    expect(ids.at(-1)).toBe(sep);
  });

  it.each([30_522, -1, 1.5, 100_257])("outside the vocabulary are refused with their place: %d", async (id) => {
    await expect(read([5, 6, id])).rejects.toMatchObject({
      kind: "invalid_value",
      param: "inputs[3][2]",
      message: expect.stringContaining(`Token id ${id} is outside this model's vocabulary, whose ids are 0 to 30521`),
    });
  });
});

describe("dimensions", () => {
  const resolve = (dimensions: number | undefined, smallest: number): number =>
    createPolicy({ dimensions: smallest }).resolveDimensions({
      inputs: ["a"],
      ...(dimensions === undefined ? {} : { dimensions }),
    });

  it("are all of the model's where none are asked for", () => {
    expect(resolve(undefined, 2)).toBe(4);
  });

  it("are those asked for, from the smallest that is configured", () => {
    expect([resolve(2, 2), resolve(3, 2), resolve(4, 2)]).toEqual([2, 3, 4]);
  });

  it.each([1, 5, 0, -1, 2.5])("out of range are an invalid value: %d", (dimensions) => {
    expect(() => resolve(dimensions, 2)).toThrow(
      expect.objectContaining({
        kind: "invalid_value",
        param: "dimensions",
        message: expect.stringContaining("2 to 4"),
      }),
    );
  });

  it("are an unsupported parameter where the model allows no cutting, but for its own number", () => {
    expect(resolve(4, 0)).toBe(4);
    expect(() => resolve(3, 0)).toThrow(
      expect.objectContaining({ kind: "unsupported_parameter", param: "dimensions" }),
    );
  });

  it("of no inputs are refused", () => {
    expect(() => createPolicy().resolveDimensions({ inputs: [] })).toThrow(
      expect.objectContaining({ kind: "invalid_value", param: "inputs" }),
    );
  });
});

describe("the answer", () => {
  // 3 and 4 make 5; the second vector is zero.
  const vectors = (): Float32Array => Float32Array.of(3, 4, 0, 0);

  it("has vectors of length 1, also where they were cut; a vector of zeros stays one", () => {
    const [x, y, ...zeros] = createPolicy().finish(vectors(), 2);
    expect(x).toBeCloseTo(0.6, 6);
    expect(y).toBeCloseTo(0.8, 6);
    expect(zeros).toEqual([0, 0]);
  });

  it("is left as it is where the model's vectors are not normalised", () => {
    expect([...createPolicy({ normalize: false }).finish(vectors(), 2)]).toEqual([3, 4, 0, 0]);
  });
});
