// Encodes prompts for the UNet's cross-attention, by one or two CLIP encoders. Prompts longer than one chunk (77 ids) are encoded chunk
// by chunk and concatenated along the sequence; prompt and negative prompt always get the same number of chunks.
// Reference: diffusers' StableDiffusionPipeline and StableDiffusionXLPipeline `encode_prompt`.
import type { Tensor } from "../../onnx/runtime.ts";
import { ServerError } from "../../../domain/errors.ts";
import type { ClipTokenizer, EncodedPrompt } from "./clip-tokenizer.ts";
import type { GraphStore } from "../folder/graph-store.ts";
import type { DiffusionFolder, TextEncoderFolder } from "../folder/model-folder.ts";
import { integerTensor, toFloat32, type OnnxGraph } from "../../onnx/graph.ts";

/** An encoded prompt, as the UNet takes it. */
export interface Conditioning {
  /** [tokens, width] row-major; with two encoders `width` is the sum of theirs. */
  readonly states: Float32Array;
  readonly tokens: number;
  readonly width: number;
  /** SDXL: the second encoder's projection of the first chunk. */
  readonly pooled: Float32Array | undefined;
}

export interface PromptConditioning {
  readonly positive: Conditioning;
  /** Undefined where guidance has no effect and the negative prompt is not encoded. */
  readonly negative: Conditioning | undefined;
}

export interface LoadedTextEncoder extends TextEncoderFolder {
  readonly tokenizer: ClipTokenizer;
}

export interface EncodedPrompts {
  /** Chunks of ids per encoder, in the encoders' order. */
  readonly positive: readonly (readonly (readonly number[])[])[];
  readonly negative: readonly (readonly (readonly number[])[])[] | undefined;
  /** Prompt tokens of the usage: the first encoder's ids of both prompts, bos and eos included, padding not. */
  readonly tokenCount: number;
}

/** 1,500 ids. There is a limit because the cost of cross-attention grows with every chunk. */
const maximumChunks = 20;

/**
 * Tokenises both prompts for every encoder.
 * @param maximum chunks that the model's graphs take
 * @throws ServerError `context_length_exceeded` where a prompt is longer
 */
export function tokenizePrompts(
  { prompt, negativePrompt }: { readonly prompt: string; readonly negativePrompt: string | undefined },
  { encoders, maximum = maximumChunks }: { readonly encoders: readonly LoadedTextEncoder[]; readonly maximum?: number },
): EncodedPrompts {
  const encode = (text: string): EncodedPrompt[] =>
    encoders.map(({ tokenizer, contextLength }) => tokenizer.encodePrompt(text, contextLength));
  const positive = { param: "prompt", name: "The prompt", encoded: encode(prompt) };
  const negative =
    negativePrompt === undefined
      ? undefined
      : { param: "negativePrompt", name: "The negative prompt", encoded: encode(negativePrompt) };
  let chunks = 1;
  let tokenCount = 0;
  for (const { param, name, encoded } of negative === undefined ? [positive] : [positive, negative]) {
    const longest = Math.max(...encoded.map((prompt) => prompt.chunks.length));
    const room = (encoders[0]?.contextLength ?? 77) - 2;
    if (longest > maximum) {
      throw new ServerError("context_length_exceeded", {
        message: `${name} has ${encoded[0]?.tokenCount ?? 0} tokens; this model takes at most ${maximum * room}.`,
        param,
      });
    }
    tokenCount += (encoded[0]?.tokenCount ?? 0) + 2 * (encoded[0]?.chunks.length ?? 0);
    chunks = Math.max(chunks, longest);
  }
  const filled = (encoded: readonly EncodedPrompt[]): (readonly (readonly number[])[])[] =>
    encoders.map(({ tokenizer, contextLength }, i) => {
      const own = encoded[i]?.chunks ?? [];
      return [...own, ...Array.from({ length: chunks - own.length }, () => tokenizer.emptyChunk(contextLength))];
    });
  return {
    positive: filled(positive.encoded),
    negative: negative === undefined ? undefined : filled(negative.encoded),
    tokenCount,
  };
}

/**
 * Runs the text encoders. Each chunk is a run of its own, so that a prompt's states never depend on another prompt.
 * @param zeroNegative take zeros in place of the negative prompt's encoding
 */
export async function encodePrompts(
  prompts: EncodedPrompts,
  {
    encoders,
    store,
    folder,
    zeroNegative,
    betweenRuns,
  }: {
    readonly encoders: readonly LoadedTextEncoder[];
    readonly store: GraphStore;
    readonly folder: Pick<DiffusionFolder, "family">;
    readonly zeroNegative: boolean;
    /** Called after every run; yields to the event loop, and throws if the request was cancelled. */
    readonly betweenRuns: () => Promise<void>;
  },
): Promise<PromptConditioning> {
  const positive: EncoderStates[] = [];
  const negative: EncoderStates[] = [];
  for (const [index, encoder] of encoders.entries()) {
    const graph = await store.get(encoder.graph);
    const options = { graph, names: outputNames(graph, { encoder, family: folder.family }), betweenRuns };
    positive.push(await encodeChunks(prompts.positive[index] ?? [], options));
    const others = prompts.negative?.[index];
    if (others !== undefined && !zeroNegative) negative.push(await encodeChunks(others, options));
  }
  const joined = join(positive);
  if (prompts.negative === undefined) return { positive: joined, negative: undefined };
  return { positive: joined, negative: zeroNegative ? zerosLike(joined) : join(negative) };
}

/** Checks a text encoder's names and types. @throws ServerError `model_load_failed` */
export function assertTextEncoder(
  graph: OnnxGraph,
  options: { readonly encoder: TextEncoderFolder; readonly family: DiffusionFolder["family"] },
): void {
  graph.assertInputs({ required: ["input_ids"] });
  integerTensor(graph, { name: "input_ids", values: [0], dims: [1, 1] });
  const { contextLength } = options.encoder;
  const fixed = graph.inputs.get("input_ids")?.dims[1];
  if (typeof fixed === "number" && fixed > 0 && fixed !== contextLength) {
    throw new ServerError(
      "model_load_failed",
      `${graph.name} was exported for ${fixed} ids; its config.json says ${contextLength}.`,
    );
  }
  outputNames(graph, options);
}

interface OutputNames {
  readonly states: string;
  readonly pooled: string | undefined;
}

/**
 * SDXL takes the states of the layer before the last, without the final norm; SD 1 and 2 the normed states of the last (SD 2's encoder is
 * exported one layer short).
 */
function outputNames(
  graph: OnnxGraph,
  { encoder, family }: { readonly encoder: TextEncoderFolder; readonly family: DiffusionFolder["family"] },
): OutputNames {
  if (family === "sd") return { states: graph.outputNamed(["last_hidden_state"]), pooled: undefined };
  return {
    states: graph.outputNamed([`hidden_states.${encoder.hiddenLayers - 1}`]),
    pooled: encoder.graph === "text_encoder_2" ? graph.outputNamed(["text_embeds"]) : undefined,
  };
}

interface EncoderStates {
  readonly states: Float32Array;
  readonly tokens: number;
  readonly width: number;
  readonly pooled: Float32Array | undefined;
}

async function encodeChunks(
  chunks: readonly (readonly number[])[],
  {
    graph,
    names,
    betweenRuns,
  }: { readonly graph: OnnxGraph; readonly names: OutputNames; readonly betweenRuns: () => Promise<void> },
): Promise<EncoderStates> {
  const parts: Float32Array[] = [];
  let pooled: Float32Array | undefined;
  let width = 0;
  // A graph of a fixed batch gets the chunk several times.
  const batch = graph.batchOf("input_ids");
  const firstRow = (values: Float32Array): Float32Array => values.subarray(0, values.length / batch);
  for (const ids of chunks) {
    const values = Array.from({ length: batch }, () => ids).flat();
    const feeds: Record<string, Tensor> = {
      input_ids: integerTensor(graph, { name: "input_ids", values, dims: [batch, ids.length] }),
    };
    const outputs = await graph.run(feeds, names.pooled === undefined ? [names.states] : [names.states, names.pooled]);
    const { data, dims } = toFloat32(outputs[names.states], names.states);
    width = dims.at(-1) ?? 0;
    parts.push(firstRow(data));
    // The pooled text is that of the first chunk; the reference has only one.
    if (names.pooled !== undefined) pooled ??= firstRow(toFloat32(outputs[names.pooled], names.pooled).data);
    await betweenRuns();
  }
  const states = new Float32Array(parts.reduce((sum, part) => sum + part.length, 0));
  let offset = 0;
  for (const part of parts) {
    states.set(part, offset);
    offset += part.length;
  }
  return { states, tokens: width === 0 ? 0 : states.length / width, width, pooled };
}

/** The states of several encoders side by side: [tokens, width of the first + width of the second]. */
function join(encoded: readonly EncoderStates[]): Conditioning {
  const [first, second] = encoded;
  if (first === undefined) throw new Error("a pipeline has at least one text encoder");
  if (second === undefined) return first;
  const width = first.width + second.width;
  const states = new Float32Array(first.tokens * width);
  for (let token = 0; token < first.tokens; token++) {
    states.set(first.states.subarray(token * first.width, (token + 1) * first.width), token * width);
    states.set(second.states.subarray(token * second.width, (token + 1) * second.width), token * width + first.width);
  }
  return { states, tokens: first.tokens, width, pooled: second.pooled ?? first.pooled };
}

function zerosLike({ states, tokens, width, pooled }: Conditioning): Conditioning {
  return {
    states: new Float32Array(states.length),
    tokens,
    width,
    pooled: pooled === undefined ? undefined : new Float32Array(pooled.length),
  };
}
