// Runs the UNet for one step, with guidance as one batch of two or as two runs. A denoiser is made once per request: inputs that are the
// same for all steps and images are written into the graph's buffers then. A graph that was exported for a batch of its own gets that
// batch at every run; rows that are not needed repeat the last one.
import { Tensor } from "../../onnx/runtime.ts";
import { ServerError } from "../../../domain/errors.ts";
import { applyGuidance, guidanceEmbedding } from "./guidance.ts";
import { FloatBuffer, type FloatType, type OnnxGraph } from "../../onnx/graph.ts";
import type { PromptConditioning } from "../prompt/text-conditioning.ts";

const requiredInputs = ["sample", "timestep", "encoder_hidden_states"] as const;
const optionalInputs = ["text_embeds", "time_ids", "timestep_cond"] as const;
const latentChannels = 4;

export interface DenoiserOptions {
  readonly conditioning: PromptConditioning;
  /** Latent pixels. */
  readonly width: number;
  readonly height: number;
  /** Pixels of the picture: inputs of SDXL's UNet. */
  readonly pictureWidth: number;
  readonly pictureHeight: number;
  readonly guidanceScale: number;
  readonly guidanceRescale: number;
  /** Whether guidance runs as one batch of two, where the graph takes any batch. */
  readonly batched: boolean;
  readonly inputChannels: 4 | 9;
}

export interface DenoiserStep {
  /** [4, height, width], before `inputScale`. */
  readonly sample: Float32Array;
  /** `Scheduler.inputScale` of the step. */
  readonly inputScale: number;
  readonly timestep: number;
}

export interface Denoiser {
  /** Inpainting models: mask and latents of the masked picture, [5, height, width], for the steps that follow. */
  setInpainting(channels: Float32Array): void;
  /** The UNet's output after guidance, [4, height, width]. Valid until the next call. */
  predict(graph: OnnxGraph, step: DenoiserStep): Promise<Float32Array>;
}

/** @throws ServerError `model_load_failed` where the graph's names or types are not those of a UNet */
export function assertUnet(graph: OnnxGraph): void {
  graph.assertInputs({ required: requiredInputs, optional: optionalInputs });
  graph.floatTypeOf("sample");
  graph.floatTypeOf("encoder_hidden_states");
  timestepTensor(graph, { timestep: 0, batch: 1 });
}

/** Sizes that the exporter fixed, undefined where the graph takes any, and the inputs of some families. */
export interface UnetShape {
  readonly batch: number | undefined;
  readonly height: number | undefined;
  readonly width: number | undefined;
  readonly tokens: number | undefined;
  /** LCM: the guidance scale is an input. */
  readonly toldGuidance: boolean;
  /** SDXL: the pooled text is an input. */
  readonly needsPooledText: boolean;
  /** Width of `encoder_hidden_states`. */
  readonly contextWidth: number | undefined;
}

export function unetShapeOf(graph: OnnxGraph): UnetShape {
  const fixed = (name: string, axis: number): number | undefined => {
    const size = graph.inputs.get(name)?.dims[axis];
    return typeof size === "number" && size > 0 ? size : undefined;
  };
  return {
    batch: fixed("sample", 0),
    height: fixed("sample", 2),
    width: fixed("sample", 3),
    tokens: fixed("encoder_hidden_states", 1),
    contextWidth: fixed("encoder_hidden_states", 2),
    toldGuidance: graph.inputs.has("timestep_cond"),
    needsPooledText: graph.inputs.has("text_embeds"),
  };
}

export function createDenoiser(graph: OnnxGraph, options: DenoiserOptions): Denoiser {
  const { conditioning, width, height, inputChannels, guidanceScale, guidanceRescale } = options;
  const { positive, negative } = conditioning;
  const fixedBatch = unetShapeOf(graph).batch;
  const together = fixedBatch === undefined ? options.batched : fixedBatch > 1;
  const passes = negative === undefined ? [[positive]] : together ? [[negative, positive]] : [[negative], [positive]];
  const batch = fixedBatch ?? passes[0]!.length;
  const plane = width * height;
  const sampleLength = inputChannels * plane;
  const outputLength = latentChannels * plane;

  const output = graph.outputNamed(["out_sample", ...graph.outputNames]);
  const sample = new FloatBuffer(graph.floatTypeOf("sample"), [batch, inputChannels, height, width]);
  const feedsOfPasses = passes.map((pass) => {
    const prompts = Array.from({ length: batch }, (_, i) => pass[i] ?? pass.at(-1)!);
    const rows = (name: string, parts: readonly Float32Array[], dims: readonly number[]): Record<string, Tensor> =>
      graph.inputs.has(name) ? { [name]: constantInput(graph.floatTypeOf(name), { parts, dims }) } : {};
    return {
      sample: sample.tensor,
      ...rows(
        "encoder_hidden_states",
        prompts.map((prompt) => prompt.states),
        [batch, positive.tokens, positive.width],
      ),
      ...(graph.inputs.has("text_embeds")
        ? pooledInput(
            graph,
            prompts.map((prompt) => prompt.pooled),
          )
        : {}),
      ...rows(
        "time_ids",
        prompts.map(() => timeIds(options)),
        [batch, 6],
      ),
      ...(graph.inputs.has("timestep_cond") ? guidanceInput(graph, { scale: guidanceScale, batch }) : {}),
    };
  });

  return {
    setInpainting(channels) {
      for (let i = 0; i < batch; i++) sample.write(channels, { offset: i * sampleLength + outputLength });
    },
    async predict(current, { sample: latents, inputScale, timestep }) {
      for (let i = 0; i < batch; i++) sample.write(latents, { offset: i * sampleLength, factor: inputScale });
      const timestepFeed = timestepTensor(current, { timestep, batch });
      const results: Float32Array[] = [];
      for (const feeds of feedsOfPasses) {
        const { data } = await current.runToFloat32({ ...feeds, timestep: timestepFeed }, output);
        if (data.length !== batch * outputLength) {
          throw new ServerError(
            "internal",
            `The UNet gave ${data.length} values for ${batch} x ${latentChannels} x ${height} x ${width} latents.`,
          );
        }
        results.push(data);
      }
      const rowOf = (result: Float32Array, row: number): Float32Array =>
        result.subarray(row * outputLength, (row + 1) * outputLength);
      const unconditional = rowOf(results[0]!, 0);
      if (negative === undefined) return unconditional;
      const conditional = together ? rowOf(results[0]!, 1) : rowOf(results[1]!, 0);
      return applyGuidance(unconditional, { conditional, scale: guidanceScale, rescale: guidanceRescale });
    },
  };
}

function constantInput(
  type: FloatType,
  { parts, dims }: { readonly parts: readonly Float32Array[]; readonly dims: readonly number[] },
): Tensor {
  const buffer = new FloatBuffer(type, dims);
  let offset = 0;
  for (const part of parts) {
    buffer.write(part, { offset });
    offset += part.length;
  }
  return buffer.tensor;
}

function pooledInput(graph: OnnxGraph, pooled: readonly (Float32Array | undefined)[]): Record<string, Tensor> {
  const parts = pooled.filter((part) => part !== undefined);
  const dims = [pooled.length, parts[0]?.length ?? 0];
  return { text_embeds: constantInput(graph.floatTypeOf("text_embeds"), { parts, dims }) };
}

function guidanceInput(
  graph: OnnxGraph,
  { scale, batch }: { readonly scale: number; readonly batch: number },
): Record<string, Tensor> {
  const size = graph.inputs.get("timestep_cond")?.dims[1];
  const width = typeof size === "number" ? size : 256;
  const parts = Array.from({ length: batch }, () => guidanceEmbedding(scale, width));
  return { timestep_cond: constantInput(graph.floatTypeOf("timestep_cond"), { parts, dims: [batch, width] }) };
}

/** SDXL's micro-conditioning: original size, crop, target size. The picture counts as uncropped and of its own size. */
function timeIds({ pictureWidth, pictureHeight }: DenoiserOptions): Float32Array {
  return Float32Array.of(pictureHeight, pictureWidth, 0, 0, pictureHeight, pictureWidth);
}

/**
 * The timestep as the graph declares it: a scalar, one value, or one value per row. A dimension that is not named after the batch has
 * one value. A graph of integers gets the nearest whole timestep.
 * @throws ServerError `model_load_failed` for another type
 */
function timestepTensor(
  graph: OnnxGraph,
  { timestep, batch }: { readonly timestep: number; readonly batch: number },
): Tensor {
  const input = graph.inputs.get("timestep");
  const size = input?.dims[0];
  const dims =
    size === undefined ? [] : [typeof size === "number" && size > 0 ? size : /batch/i.test(String(size)) ? batch : 1];
  const count = dims[0] ?? 1;
  switch (input?.type) {
    case "int64":
      return new Tensor("int64", new BigInt64Array(count).fill(BigInt(Math.round(timestep))), dims);
    case "int32":
      return new Tensor("int32", new Int32Array(count).fill(Math.round(timestep)), dims);
    case "float32":
    case "float16": {
      const buffer = new FloatBuffer(input.type, dims);
      buffer.write(new Float32Array(count).fill(timestep));
      return buffer.tensor;
    }
    case "float64":
      return new Tensor("float64", new Float64Array(count).fill(timestep), dims);
    default:
      throw new ServerError(
        "model_load_failed",
        `${graph.name}: the input 'timestep' has type ${input?.type ?? "none"}.`,
      );
  }
}
