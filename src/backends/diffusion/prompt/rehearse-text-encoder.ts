// The run by which devices are compared for a text encoder: one prompt.
import type { OnnxGraph } from "../../onnx/graph.ts";
import type { DiffusionFolder } from "../folder/model-folder.ts";
import { encodePrompts, type LoadedTextEncoder } from "./text-conditioning.ts";

export async function rehearseTextEncoder(
  graph: OnnxGraph,
  { folder, encoder }: { readonly folder: DiffusionFolder; readonly encoder: LoadedTextEncoder },
): Promise<void> {
  const { chunks } = encoder.tokenizer.encodePrompt("a photograph of a red house by the sea", encoder.contextLength);
  await encodePrompts(
    { positive: [chunks], negative: undefined, tokenCount: 0 },
    {
      encoders: [encoder],
      store: { clock: { runMs: 0 }, get: () => Promise.resolve(graph), release: () => Promise.resolve() },
      folder,
      zeroNegative: false,
      betweenRuns: () => Promise.resolve(),
    },
  );
}
