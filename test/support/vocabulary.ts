// Opens a file's tokenizer without a context, for tests of token ids.
import { openLibrary } from "../../src/backends/llama/native/library.ts";
import { NativeModelHandle } from "../../src/backends/llama/native/model.ts";
import { openWeights } from "../../src/backends/llama/native/weights.ts";
import { Vocabulary } from "../../src/backends/llama/tokens/vocabulary.ts";
import { readGguf } from "../../src/model-files/gguf/gguf-facts.ts";

export interface OpenVocabulary {
  readonly vocabulary: Vocabulary;
  dispose(): Promise<void>;
}

export async function openVocabulary(path: string): Promise<OpenVocabulary> {
  const { llama } = await openLibrary(() => {}, { gpu: false });
  const { architecture, vocabularySize, preTokenizer } = await readGguf(path);
  const signal = new AbortController().signal;
  const weights = await openWeights(llama, { path, gpuLayers: 0, useMmap: true, signal });
  const native = new NativeModelHandle(llama, { weights, architecture });
  const vocabulary = new Vocabulary(native, { size: vocabularySize, preTokenizer });
  return { vocabulary, dispose: () => native.dispose() };
}
