// What the parts of tokenizers make of the characters that Unicode 14 has, against Hugging Face's tokenizers. Characters are many, so
// that digests of blocks of them are compared; scripts/fixtures/embeddings/digests.py makes those.
import { createHash } from "node:crypto";
import { describe, expect, it } from "vitest";
import { createNormalizer } from "../../../src/backends/embedding/text/tokenizer/normalizers.ts";
import type { TokenizerPart } from "../../../src/backends/embedding/text/tokenizer/part.ts";
import { createSplitter } from "../../../src/backends/embedding/text/tokenizer/splitters.ts";
import { readFixture } from "../../support/reference-embeddings.ts";

interface Characters {
  /** First and last code point of those taken, and the step between them. */
  readonly assigned: readonly (readonly [number, number, number])[];
  readonly cases: readonly {
    readonly part: TokenizerPart;
    /** By the block's first code point, in hexadecimal digits. */
    readonly blocks: Readonly<Record<string, string>>;
  }[];
}

const blockSize = 0x1000;
const splitters = new Set([
  "BertPreTokenizer",
  "WhitespaceSplit",
  "Whitespace",
  "Punctuation",
  "Digits",
  "ByteLevel",
  "Metaspace",
  "Split",
]);

const { assigned, cases } = readFixture("characters.json") as Characters;

/** The table of the SentencePiece model that the fixtures have. */
const { normalizer } = readFixture("xlm-roberta", "tokenizer.json") as {
  readonly normalizer: { readonly normalizers: readonly TokenizerPart[] };
};
const charsmap = normalizer.normalizers[0];

/** Characters by their blocks. */
const blocks = new Map<string, string[]>();
for (const [first, last, step] of assigned) {
  for (let point = first; point <= last; point += step) {
    const name = (point - (point % blockSize)).toString(16);
    const block = blocks.get(name) ?? [];
    block.push(String.fromCodePoint(point));
    blocks.set(name, block);
  }
}

function answerOf(part: TokenizerPart): (text: string) => unknown {
  if (part.type === "Precompiled") return createNormalizer(charsmap);
  if (!splitters.has(String(part.type))) return createNormalizer(part);
  const split = createSplitter(part);
  return (text) => split({ text, isFirst: true }).map((piece) => piece.text);
}

describe("every character, alone and between letters", () => {
  it.each(cases.map(({ part, blocks: digests }) => [JSON.stringify(part).slice(0, 90), part, digests] as const))(
    "is treated as the reference treats it: %s",
    (_, part, digests) => {
      const answer = answerOf(part);
      const found = [...blocks].map(([name, characters]) => {
        const answers = characters.map((character) => [answer(character), answer(`a${character}b`)]);
        return [name, createHash("sha256").update(JSON.stringify(answers)).digest("hex").slice(0, 12)];
      });
      expect(Object.fromEntries(found)).toEqual(digests);
    },
  );
});
