// Token ids against the tokenizers that the models were written with: Hugging Face's `tokenizers`, of which llama.cpp's own must be
// indistinguishable.
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openLibrary } from "../../../src/backends/llama/native/library.ts";
import { NativeModelHandle } from "../../../src/backends/llama/native/model.ts";
import { openWeights } from "../../../src/backends/llama/native/weights.ts";
import { TextTokenizer } from "../../../src/backends/llama/tokens/tokenizer.ts";
import { Vocabulary } from "../../../src/backends/llama/tokens/vocabulary.ts";
import { readGguf } from "../../../src/model-files/gguf/gguf-facts.ts";
import { readReference, referencePath } from "../../support/reference-text.ts";

describe.each(["llama", "qwen3", "gemma3", "lfm2"])("tokens of %s against the reference", (family) => {
  const golden = readReference(family);
  const path = referencePath(family, golden.source.model);
  let native: NativeModelHandle;
  let vocabulary: Vocabulary;
  beforeAll(async () => {
    const { llama } = await openLibrary(() => {}, { gpu: false });
    const { architecture, vocabularySize, preTokenizer } = await readGguf(path);
    const signal = new AbortController().signal;
    const weights = await openWeights(llama, { path, gpuLayers: 0, useMmap: true, signal });
    native = new NativeModelHandle(llama, { weights, architecture });
    vocabulary = new Vocabulary(native, { size: vocabularySize, preTokenizer });
  });
  afterAll(() => native.dispose());

  it.each(golden.texts)("are the same for $text", ({ text, plain, special }) => {
    expect([...vocabulary.tokenize(text, { parseSpecial: false })]).toEqual(plain);
    if (special !== undefined) expect([...vocabulary.tokenize(text, { parseSpecial: true })]).toEqual(special);
  });

  it.each(golden.texts)("give back $text", ({ text, plain }) => {
    const bytes = plain.flatMap((id) => [...vocabulary.piece(id).bytes]);
    // SentencePiece puts a space before every text, but for Gemma's.
    expect(Buffer.from(bytes).toString("utf8")).toBe(family === "llama" ? ` ${text}` : text);
  });

  // Qwen's tokenizer.json composes letters and accents first; GGUF has no key for it, and llama.cpp does not.
  it.each(golden.decomposed ?? [])("are the same for the composed form of $text", ({ text, plain }) => {
    expect(vocabulary.tokenize(text.normalize("NFC"), { parseSpecial: false })).toEqual(plain);
    expect(vocabulary.tokenize(text, { parseSpecial: false })).not.toEqual(plain);
  });

  it("are the same for a text of all the others, which is read in pieces", async () => {
    const paragraph = golden.texts
      .map(({ text }) => text)
      .filter((text) => !text.includes("<"))
      .join(" ");
    const text = `${paragraph} `.repeat(400);
    const options = { parseSpecial: false, contextSize: text.length, signal: new AbortController().signal };
    const pieces = await new TextTokenizer(vocabulary).tokenize(text, options);
    expect(pieces).toEqual(vocabulary.tokenize(text, { parseSpecial: false }));
  });
});
