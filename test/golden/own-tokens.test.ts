// Token ids against llama-server's, without and with control tokens parsed.
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { writeChatVocabulary } from "../../scripts/goldens/models.ts";
import { openLibrary } from "../../src/backends/llama/native/library.ts";
import { openWeights } from "../../src/backends/llama/native/weights.ts";
import { NativeModelHandle } from "../../src/backends/llama/native/model.ts";
import { Vocabulary } from "../../src/backends/llama/tokens/vocabulary.ts";
import { readGguf } from "../../src/model-files/gguf/gguf-facts.ts";
import { expectModelOf, readGolden } from "../support/goldens.ts";
import { useStoryModel } from "../support/story-model.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

const folder = temporaryFolder("tokens");
const chat = join(folder, "chat.gguf");
writeChatVocabulary(chat);
const story = useStoryModel();

describe.each([
  ["SentencePiece", "story-tokens", story],
  ["byte-level BPE", "chat-tokens", chat],
] as const)("tokens of %s against llama-server", (_, file, path) => {
  const golden = readGolden(file);
  let native: NativeModelHandle;
  let vocabulary: Vocabulary;
  beforeAll(async () => {
    const { llama } = await openLibrary(() => {}, { gpu: false });
    native = new NativeModelHandle(llama, {
      weights: await openWeights(llama, { path, gpuLayers: 0, useMmap: true, signal: new AbortController().signal }),
      architecture: "llama",
    });
    const { vocabularySize, preTokenizer } = await readGguf(path);
    vocabulary = new Vocabulary(native, { size: vocabularySize, preTokenizer });
  });
  afterAll(() => native.dispose());

  it("are of the model that llama-server was asked about", () => {
    expectModelOf(golden, path);
  });

  it.each(golden.cases)("are the same for $text", ({ text, plain, special }) => {
    expect([...vocabulary.tokenize(text, { parseSpecial: false })]).toEqual(plain);
    expect([...vocabulary.tokenize(text, { parseSpecial: true })]).toEqual(special);
  });
});
