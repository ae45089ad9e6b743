// Token ids of every family of encoders against those of Hugging Face's tokenizers: texts in which tokenizers written in other languages
// differ from it, and thousands of random texts made of their words and characters.
import { createHash } from "node:crypto";
import { beforeAll, describe, expect, it } from "vitest";
import type { EncodedBody, InputLength } from "../../../src/backends/common/embedding-policy.ts";
import { EmbeddingPolicy } from "../../../src/backends/common/embedding-policy.ts";
import { encodeBody, type EncodingSettings } from "../../../src/backends/embedding/text/encode-text.ts";
import { loadTextTokenizer, type TextTokenizer } from "../../../src/backends/embedding/text/text-tokenizer.ts";
import { createTimeSlices } from "../../../src/util/time-slice.ts";
import { embeddingDefaults } from "../../support/embedding.ts";
import {
  crossEncoderFamilies,
  encoderFamilies,
  fixtureFolder,
  goldenEncoder,
  readFixture,
  type FixtureFamily,
} from "../../support/reference-embeddings.ts";

interface RandomTexts {
  readonly seed: number;
  readonly count: number;
  readonly group: number;
  /** The parts of which the texts are made. */
  readonly atoms: readonly string[];
  /** Of the ids of each group of texts. */
  readonly digests: Readonly<Record<FixtureFamily, readonly string[]>>;
}

/** Its folder asks for lower case, which its tokenizer.json does not do. */
const lowered: FixtureFamily = "stack";

function load(family: FixtureFamily): Promise<TextTokenizer> {
  return loadTextTokenizer(fixtureFolder(family), { lowercase: family === lowered });
}

describe.each(encoderFamilies)("the tokenizer of %s", (family) => {
  const golden = goldenEncoder(family);
  let settings: { readonly tokenizer: TextTokenizer; readonly maxTokens: number };
  beforeAll(async () => {
    settings = { tokenizer: await load(family), maxTokens: golden.maxTokens };
  });

  it.each([...golden.texts, golden.long])("gives the reference's ids of $name", async ({ text, ids }) => {
    expect(await encodeWhole(text, settings)).toEqual(ids);
  });

  it.each(golden.spelled)("takes $name for text", async ({ text, ids }) => {
    expect(await encodeWhole(text, settings)).toEqual(ids);
  });
});

describe("random texts", () => {
  const random = readFixture("random-texts.json") as RandomTexts;
  const texts = [...randomTexts(random)];

  it.each([...encoderFamilies, ...crossEncoderFamilies, "qwen3-cache" as const])(
    "have the reference's ids: %s",
    async (family) => {
      const tokenizer = await load(family);
      const digests: string[] = [];
      for (let start = 0; start < texts.length; start += random.group) {
        const ids = texts.slice(start, start + random.group).map((text) => tokenizer.encode(text));
        digests.push(createHash("sha256").update(JSON.stringify(ids)).digest("hex").slice(0, 12));
      }
      expect(digests).toEqual(random.digests[family]);
    },
  );
});

describe("a special token in a text", () => {
  it("is a token only within what is trusted, the prompt that the model's own files write", async () => {
    const tokenizer = await load("bert");
    const [separator] = tokenizer.single.after;
    const asText = tokenizer.encode("[SEP]");
    expect(asText).not.toContain(separator);
    expect(tokenizer.encode("[SEP] [SEP]", "[SEP] ".length)).toEqual([separator, ...asText]);
    expect(tokenizer.encode("[SEP]", "[SEP".length)).toEqual(asText);
  });
});

/** The texts that scripts/fixtures/embeddings/digests.py makes. */
function* randomTexts({ seed, count, atoms }: RandomTexts): Generator<string> {
  let state = seed;
  const uniform = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let value = Math.imul(state ^ (state >>> 15), state | 1);
    value = (value + Math.imul(value ^ (value >>> 7), value | 61)) ^ value;
    return ((value ^ (value >>> 14)) >>> 0) / 2 ** 32;
  };
  for (let i = 0; i < count; i++) {
    const length = 1 + Math.floor(uniform() * 12);
    yield Array.from({ length }, () => atoms[Math.floor(uniform() * atoms.length)]).join("");
  }
}

/** The ids of a text as the backend feeds them to the graph. */
async function encodeWhole(
  text: string,
  { tokenizer, maxTokens }: { readonly tokenizer: TextTokenizer; readonly maxTokens: number },
): Promise<readonly number[]> {
  const { vocabularySize } = tokenizer;
  const settings: EncodingSettings = { tokenizer, maxTokens, vocabularySize, truncation: "truncate" };
  const policy = new EmbeddingPolicy({
    options: embeddingDefaults,
    maxTokens,
    dimensions: 1,
    vocabularySize,
    ...tokenizer.single,
    encode: (short) => tokenizer.encode(short),
  });
  const slices = createTimeSlices(new AbortController().signal);
  const encodeText = (whole: string, { limit }: InputLength): Promise<EncodedBody> =>
    encodeBody(whole, { limit, settings, slices });
  return (await policy.readInput(text, { index: 0, request: {}, encodeText })).ids;
}
