// Chooses the files of an ONNX encoder, and of a Stable Diffusion pipeline in ONNX. What other runtimes need of the same repository, often
// ten times as much, is left where it is.
import { HubFailure } from "../failures.ts";
import { formatBytes } from "../../util/format-bytes.ts";
import { graphNamesOf } from "../../model-files/onnx/graph-file.ts";
import type { ChoosableFile, ChoiceContext, ModelChoice } from "./model-choice.ts";

/** What an encoder's folder needs beside its graph, by the names that transformers and sentence-transformers give. */
const encoderSettings =
  /^(?:config|tokenizer|tokenizer_config|special_tokens_map|sentence_bert_config|modules|config_sentence_transformers)\.json$|^\d+_\w+\/config\.json$/;

/** Precisions in the order of exactness: what is taken when none is named. */
const usualPrecisions = ["fp32", "fp16", "int8", "q8", "uint8", "q4", "q4f16", "bnb4"] as const;

/** The parts of a pipeline; the others that repositories have (safety checker, feature extractor) are not needed to make a picture. */
const pipelineGraphs = ["text_encoder", "text_encoder_2", "unet", "vae_decoder", "vae_encoder"];
const requiredGraphs = ["text_encoder", "unet", "vae_decoder"];
const pipelineSettings =
  /^(?:model_index\.json|(?:scheduler|tokenizer|tokenizer_2)\/[\w.-]+\.(?:json|txt)|(?:text_encoder|text_encoder_2|unet|vae|vae_decoder|vae_encoder)\/config\.json)$/;

/** True where the files are a pipeline, whether or not it is in ONNX. */
export function isPipeline(files: readonly ChoosableFile[]): boolean {
  return files.some(({ path }) => path === "model_index.json");
}

/** True where there is an ONNX graph in a place in which an encoder has it. */
export function hasEncoderGraph(files: readonly ChoosableFile[]): boolean {
  return files.some(({ path }) => isEncoderGraph(path));
}

/**
 * The files of an encoder. The graph is the named file, else that of the named variant (a precision such as `int8`, or the end of a file's
 * name such as `O4`), else the most exact one.
 * @throws HubFailure `missing-file` or `missing-variant`, with what there is; `unsupported` where there is no tokenizer
 */
export function chooseEncoder(files: readonly ChoosableFile[], context: ChoiceContext): ModelChoice {
  const { repository } = context;
  const graph = findGraph(files, context);
  if (!files.some(({ path }) => path === "tokenizer.json")) {
    throw new HubFailure("unsupported", {
      message: `${repository} has the graph ${graph} but no tokenizer.json.`,
      remedy: "Choose another repository of the same model, such as one of Xenova or onnx-community.",
    });
  }
  const settings = files.filter(({ path }) => encoderSettings.test(path)).map(({ path }) => path);
  return {
    kind: "embedding",
    files: [...settings, graph],
    graphs: [graph],
    modelPath: "",
    // Another variant in the same folder, pulled before or after, is then not opened in its place.
    options: { model_file: graph.replace(/\.onnx$/, "") },
  };
}

/**
 * The files of a pipeline: of each part the graph of the named precision where there is one, else the plain one.
 * @throws HubFailure `unsupported` where a part is missing; `missing-variant`
 */
export function choosePipeline(files: readonly ChoosableFile[], { variant, repository }: ChoiceContext): ModelChoice {
  const there = new Set(files.map(({ path }) => path));
  const names = variant === null ? ["model"] : [`model_${variant.toLowerCase()}`, "model"];
  const graphOf = (part: string): string | undefined =>
    names.map((name) => `${part}/${name}.onnx`).find((path) => there.has(path));
  const missing = requiredGraphs.filter((part) => graphOf(part) === undefined);
  if (missing.length > 0) throw noPipeline(files, { missing, repository });
  if (variant !== null && !there.has(`unet/model_${variant.toLowerCase()}.onnx`)) {
    const graphs = files.map(({ path }) => path).filter((path) => /^unet\/.*\.onnx$/.test(path));
    throw new HubFailure("missing-variant", {
      message: `${repository} has no variant ${variant}.`,
      remedy: `It has ${graphs.join(", ")}.`,
    });
  }
  const graphs = pipelineGraphs.map(graphOf).filter((path) => path !== undefined);
  const settings = files.map(({ path }) => path).filter((path) => pipelineSettings.test(path));
  return { kind: "image", files: [...settings, ...graphs], graphs, modelPath: "", options: {} };
}

function isEncoderGraph(path: string): boolean {
  return /^(?:onnx\/)?[^/]+\.onnx$/.test(path);
}

function findGraph(files: readonly ChoosableFile[], { variant, file, repository }: ChoiceContext): string {
  const graphs = files.filter(({ path }) => isEncoderGraph(path));
  const named = (stem: string): string | undefined =>
    [`onnx/${stem}.onnx`, `${stem}.onnx`].find((path) => graphs.some((graph) => graph.path === path));
  const list = graphs.map(({ path, bytes }) => `${path} (${formatBytes(bytes)})`).join(", ");
  if (file !== null) {
    const found = graphs.find(({ path }) => path === file);
    if (found !== undefined) return found.path;
    throw new HubFailure("missing-file", { message: `${repository} has no graph ${file}.`, remedy: `It has ${list}.` });
  }
  const precisions = variant === null ? usualPrecisions : [variant.toLowerCase()];
  const stems = precisions.flatMap((precision) => inOrderOfProcessor(graphNamesOf(precision)));
  const others = variant === null ? [] : [variant, `model_${variant}`, `model_${variant.toLowerCase()}`];
  const graph = [...stems, ...others].map(named).find((path) => path !== undefined);
  if (graph !== undefined) return graph;
  const [only] = graphs;
  // A repository with a name of its own for its one graph.
  if (variant === null && only !== undefined) return only.path;
  throw new HubFailure("missing-variant", {
    message: `${repository} has no variant ${variant ?? "fp32"}.`,
    remedy: list === "" ? "It has no graph." : `It has ${list}.`,
  });
}

/** Graphs quantised for the other family of processors come last: they run here too, and slower. */
function inOrderOfProcessor(stems: readonly string[]): string[] {
  const foreign = process.arch === "arm64" ? /avx/ : /arm64/;
  return [...stems.filter((stem) => !foreign.test(stem)), ...stems.filter((stem) => foreign.test(stem))];
}

function noPipeline(
  files: readonly ChoosableFile[],
  { missing, repository }: { readonly missing: readonly string[]; readonly repository: string },
): HubFailure {
  const hasOthers = files.some(({ path }) => /\.(?:safetensors|bin|ckpt)$/.test(path));
  return new HubFailure("unsupported", {
    message:
      `${repository} lacks ${missing.map((part) => `${part}/model.onnx`).join(", ")}` +
      `${hasOthers ? ": its weights are for PyTorch" : ""}.`,
    remedy: `Choose a repository with ONNX graphs, or make them: optimum-cli export onnx --model ${repository} FOLDER.`,
  });
}
