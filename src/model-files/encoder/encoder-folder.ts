// An encoder's folder as its own files and the server's configuration describe it, checked as far as can be without loading it. The
// configuration is checked with it when the server starts, and the runner loads by it.
import { existsSync } from "node:fs";
import { join } from "node:path";
import { ServerError } from "../../domain/errors.ts";
import type { EmbeddingModelOptions } from "../../domain/model.ts";
import { findGraphFile, type GraphFile } from "../onnx/graph-file.ts";
import { readGraphSignature, type GraphSignature, type GraphValue } from "../onnx/graph-signature.ts";
import { inspectGraphFile, type GraphWeights } from "../onnx/graph-weights.ts";
import { peekLastDense, readModules, type Pooling, type VectorModule } from "./modules.ts";
import { readScoreRule, type ScoreRule } from "./scores.ts";
import { architecturesOf, readConfig, readEncoderSettings, type EncoderSettings } from "./settings.ts";

/** What becomes of the graph's output. */
export type EncoderHead =
  /** The graph pools by itself. */
  | { readonly kind: "vector"; readonly output: string }
  | {
      readonly kind: "tokens";
      readonly output: string;
      readonly pooling: Pooling;
      readonly after: readonly VectorModule[];
    }
  | { readonly kind: "score"; readonly output: string; readonly rule: ScoreRule };

export interface EncoderFolder {
  readonly graph: GraphFile;
  readonly weights: GraphWeights;
  readonly settings: EncoderSettings;
  readonly head: EncoderHead;
}

/** Inputs that are fed, beside a decoder's cache. */
export const encoderInputs = ["input_ids", "attention_mask", "token_type_ids", "position_ids"] as const;

/** An input of a decoder's cache, which stays empty: a text has no earlier tokens. */
export const cacheInput = /^past_key_values\.\d+\.(?:key|value)$/;

/** Says to a graph with two ways of computing that there is no cache. */
export const cacheSwitch = "use_cache_branch";

/** Names of outputs with one vector per text, pooled inside the graph, and of those with one per token; preferred ones first. */
const pooledOutputs = ["sentence_embedding", "sentence_embeddings", "text_embeds"];
const tokenOutputs = ["last_hidden_state", "token_embeddings", "hidden_states", "output"];
const scoreOutput = "logits";

/** @throws ServerError `model_load_failed` saying what was expected and what was found */
export function readEncoderFolder(folder: string, options: EmbeddingModelOptions): EncoderFolder {
  const graph = findGraphFile(folder, options);
  for (const name of ["tokenizer.json", "tokenizer_config.json"]) {
    if (existsSync(join(folder, name))) continue;
    throw new ServerError(
      "model_load_failed",
      `Expected tokenizer.json and tokenizer_config.json in ${folder}; ${name} is missing.`,
    );
  }
  const settings = readEncoderSettings(folder, options);
  const weights = inspectGraphFile(graph.path);
  const signature = readGraphSignature(graph.path);
  checkInputs(signature, graph);
  const head = isSequenceClassifier(folder)
    ? scoreHead(folder, { signature, graph })
    : vectorHead(folder, { signature, graph, settings, options });
  return { graph, weights, settings, head };
}

/** A sequence classifier scores a pair of texts instead of embedding one. */
function isSequenceClassifier(folder: string): boolean {
  return architecturesOf(readConfig(folder)).some((name) => name.endsWith("ForSequenceClassification"));
}

function checkInputs({ inputs }: GraphSignature, graph: GraphFile): void {
  const unknown = inputs.find(
    ({ name }) => !encoderInputs.some((known) => known === name) && !cacheInput.test(name) && name !== cacheSwitch,
  );
  if (unknown === undefined) return;
  throw new ServerError(
    "model_load_failed",
    `The graph ${graph.name} has the input '${unknown.name}'; an encoder has ${encoderInputs.join(", ")}, and a decoder's cache past_key_values.`,
  );
}

function scoreHead(
  folder: string,
  { signature, graph }: { readonly signature: GraphSignature; readonly graph: GraphFile },
): EncoderHead {
  const output = signature.outputs.find(({ name }) => name === scoreOutput);
  if (output === undefined) throw noOutput(graph, { expected: [scoreOutput], signature });
  return { kind: "score", output: output.name, rule: readScoreRule(readConfig(folder), output.dims[1]) };
}

function vectorHead(
  folder: string,
  {
    signature,
    graph,
    settings,
    options,
  }: {
    readonly signature: GraphSignature;
    readonly graph: GraphFile;
    readonly settings: EncoderSettings;
    readonly options: EmbeddingModelOptions;
  },
): EncoderHead {
  const pooled = outputNamed(signature, pooledOutputs);
  const tokens = outputNamed(signature, tokenOutputs);
  if (pooled !== undefined && (options.pooling === "auto" || tokens === undefined)) {
    checkPooledWidth(folder, { pooled, graph });
    return { kind: "vector", output: pooled.name };
  }
  if (tokens === undefined) throw noOutput(graph, { expected: [...pooledOutputs, ...tokenOutputs], signature });
  const { pooling, after } = readModules(folder, {
    configured: options.pooling === "auto" ? undefined : options.pooling,
    fallback: settings.isDecoder ? "last" : "mean",
  });
  const width = tokens.dims[2] ?? settings.hiddenSize;
  checkWidths(after, width === undefined ? undefined : width * pooling.modes.length);
  return { kind: "tokens", output: tokens.name, pooling, after };
}

function outputNamed({ outputs }: GraphSignature, names: readonly string[]): GraphValue | undefined {
  for (const name of names) {
    const found = outputs.find((output) => output.name === name);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** A graph that pools and stops before the folder's Dense would give vectors that the model was not trained for. */
function checkPooledWidth(
  folder: string,
  { pooled, graph }: { readonly pooled: GraphValue; readonly graph: GraphFile },
): void {
  const width = pooled.dims[1];
  const dense = peekLastDense(folder);
  if (width === undefined || dense === undefined || dense.outputs === width) return;
  throw new ServerError(
    "model_load_failed",
    `The output '${pooled.name}' of ${graph.name} has ${width} dimensions, but ${dense.name} gives ${dense.outputs}: the graph does not ` +
      "hold all modules. Set 'pooling', so that they are applied to the vectors of tokens.",
  );
}

function checkWidths(modules: readonly VectorModule[], first: number | undefined): void {
  let width = first;
  for (const module of modules) {
    if (module.kind === "normalize") continue;
    const wanted = module.kind === "dense" ? module.inputs : module.width;
    if (width !== undefined && wanted !== width) {
      throw new ServerError(
        "model_load_failed",
        `${module.name} takes vectors of ${wanted} dimensions; what comes before it gives ${width}.`,
      );
    }
    width = module.kind === "dense" ? module.outputs : module.width;
  }
}

function noOutput(
  graph: GraphFile,
  { expected, signature }: { readonly expected: readonly string[]; readonly signature: GraphSignature },
): ServerError {
  const found = signature.outputs.map(({ name }) => name).join(", ");
  return new ServerError(
    "model_load_failed",
    `Expected an output named ${expected.join(" or ")} in ${graph.name}; the graph has ${found}.`,
  );
}
