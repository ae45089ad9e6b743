// Decides which of a repository's files make the model that was asked for. The same decision is made for a listing of the hub, for a
// snapshot on the disk and for the inside of a Python package.
import { HubFailure } from "../failures.ts";
import { chooseGguf, isGgufModel } from "./gguf-files.ts";
import type { ChoosableFile, ChoiceContext, ModelChoice } from "./model-choice.ts";
import { chooseEncoder, choosePipeline, hasEncoderGraph, isPipeline } from "./onnx-files.ts";

/**
 * 1. A file that was named decides by its extension.
 * 2. A repository with model_index.json is a pipeline for pictures.
 * 3. One with GGUF models is text (or GGUF embeddings), unless only its ONNX graphs have the variant.
 * 4. One with ONNX graphs is an encoder.
 * 5. Anything else is refused with what is there.
 * @throws HubFailure `missing-file`, `missing-variant` or `unsupported`
 */
export function chooseModel(files: readonly ChoosableFile[], context: ChoiceContext): ModelChoice {
  const { file, repository } = context;
  if (file !== null) {
    // 1.
    if (/\.gguf$/i.test(file)) return toTextChoice(chooseGguf(files, context));
    if (/\.onnx$/i.test(file)) return chooseEncoder(files, context);
    throw new HubFailure("unsupported", {
      message: `${file} of ${repository} is neither a .gguf nor an .onnx file.`,
      remedy: `Name a file of one of these kinds, or the repository alone: hf:${repository}.`,
    });
  }
  if (isPipeline(files)) return choosePipeline(files, context); // 2.
  const hasGguf = files.some(({ path }) => isGgufModel(path));
  if (hasGguf && !hasEncoderGraph(files)) return toTextChoice(chooseGguf(files, context)); // 3.
  if (hasGguf) {
    try {
      return toTextChoice(chooseGguf(files, context));
    } catch (error) {
      if (!(error instanceof HubFailure) || error.reason !== "missing-variant") throw error;
    }
  }
  if (hasEncoderGraph(files)) return chooseEncoder(files, context); // 4.
  throw unsupported(files, repository); // 5.
}

function toTextChoice(files: readonly [string, ...string[]]): ModelChoice {
  return { kind: "text", files, graphs: [], modelPath: files[0], options: {} };
}

function unsupported(files: readonly ChoosableFile[], repository: string): HubFailure {
  const isTorch = files.some(({ path }) => /\.(?:safetensors|bin|pt|pth)$/.test(path));
  return new HubFailure("unsupported", {
    message: `${repository} has no model that can be served: no .gguf file, and no ONNX graph${isTorch ? "; its weights are for PyTorch" : ""}.`,
    remedy: isTorch
      ? `GGUF versions of a language model are at https://huggingface.co/models?other=base_model:quantized:${repository}; an ` +
        `encoder becomes ONNX by optimum-cli export onnx --model ${repository} FOLDER.`
      : "Choose a repository with GGUF files, an ONNX encoder, or a Stable Diffusion pipeline in ONNX.",
  });
}
