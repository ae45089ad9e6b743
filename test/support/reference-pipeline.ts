// A picture made without the engine: the steps of diffusers' StableDiffusionPipeline and StableDiffusionXLPipeline written down one after
// another with plain runtime sessions and an Euler sampler of its own. What the engine draws is compared with it pixel by pixel.
// Karras et al., "Elucidating the Design Space of Diffusion-Based Generative Models" (2022), for the sampler.
import { join } from "node:path";
import { InferenceSession, Tensor } from "onnxruntime-node";
import { loadClipTokenizer } from "../../src/backends/diffusion/prompt/clip-tokenizer-files.ts";
import { TorchGenerator } from "../../src/backends/diffusion/noise/torch-random.ts";

export interface ReferencePictureOptions {
  readonly prompt: string;
  readonly negativePrompt: string;
  readonly steps: number;
  readonly guidanceScale: number;
  readonly seed: number;
  readonly width: number;
  readonly height: number;
  readonly spacing: "leading" | "trailing";
  readonly scalingFactor: number;
  readonly xl: boolean;
}

/** Interleaved RGB bytes. */
export async function drawReferencePicture(folder: string, options: ReferencePictureOptions): Promise<Uint8Array> {
  const { guidanceScale, steps, spacing, xl } = options;
  const positive = await encode(folder, options.prompt, xl);
  // SDXL: an empty negative prompt is zeros (`force_zeros_for_empty_prompt`).
  const negative =
    xl && options.negativePrompt === ""
      ? { states: positive.states.map(() => 0), pooled: positive.pooled.map(() => 0) }
      : await encode(folder, options.negativePrompt, xl);
  const unet = await open(folder, "unet");
  const [height, width] = [options.height / 8, options.width / 8];
  const { timesteps, sigmas } = eulerSchedule(steps, spacing);
  const highest = Math.max(...sigmas);
  const initial = spacing === "leading" ? Math.sqrt(highest ** 2 + 1) : highest;
  let latents = [...new TorchGenerator(options.seed).randn(4 * height * width)].map((value) => value * initial);
  for (let i = 0; i < steps; i++) {
    const scaled = latents.map((value) => value / Math.sqrt(sigmas[i]! ** 2 + 1));
    const predict = async ({ states, pooled }: typeof positive): Promise<number[]> => {
      const timestep = new BigInt64Array([BigInt(timesteps[i]!)]);
      const feeds: Record<string, Tensor> = {
        sample: floats(scaled, [1, 4, height, width]),
        timestep: new Tensor("int64", timestep, xl ? [] : [1]),
        encoder_hidden_states: floats(states, [1, 77, states.length / 77]),
      };
      if (xl) {
        feeds["text_embeds"] = floats(pooled, [1, pooled.length]);
        feeds["time_ids"] = floats([options.height, options.width, 0, 0, options.height, options.width], [1, 6]);
      }
      const { out_sample: output } = await unet.run(feeds);
      return [...(output!.data as Float32Array)];
    };
    const conditional = await predict(positive);
    const unconditional = guidanceScale > 1 ? await predict(negative) : conditional;
    const noise = conditional.map((c, j) => unconditional[j]! + guidanceScale * (c - unconditional[j]!));
    const used = guidanceScale > 1 ? noise : conditional;
    // Epsilon is the derivative of the sample with respect to sigma.
    latents = latents.map((value, j) => value + used[j]! * (sigmas[i + 1]! - sigmas[i]!));
  }
  const decoder = await open(folder, "vae_decoder");
  const input = latents.map((value) => value / options.scalingFactor);
  const { sample } = await decoder.run({ latent_sample: floats(input, [1, 4, height, width]) });
  const planes = sample!.data as Float32Array;
  const plane = options.width * options.height;
  return Uint8Array.from({ length: 3 * plane }, (_, i) => {
    const value = planes[(i % 3) * plane + Math.floor(i / 3)]!;
    return Math.round(Math.min(1, Math.max(0, value / 2 + 0.5)) * 255);
  });
}

/** Stable Diffusion's betas (scaled linear, 0.00085 to 0.012), 1000 training steps, `steps_offset` 1. */
function eulerSchedule(steps: number, spacing: "leading" | "trailing"): { timesteps: number[]; sigmas: number[] } {
  let product = 1;
  const table = Array.from({ length: 1000 }, (_, t) => {
    const beta = (Math.sqrt(0.00085) + (t / 999) * (Math.sqrt(0.012) - Math.sqrt(0.00085))) ** 2;
    product *= 1 - beta;
    return Math.sqrt((1 - product) / product);
  });
  const timesteps = Array.from({ length: steps }, (_, i) =>
    spacing === "leading" ? Math.floor(1000 / steps) * (steps - 1 - i) + 1 : Math.round(1000 - (i * 1000) / steps) - 1,
  );
  return { timesteps, sigmas: [...timesteps.map((timestep) => table[timestep]!), 0] };
}

async function encode(folder: string, text: string, xl: boolean): Promise<{ states: number[]; pooled: number[] }> {
  const rows: number[][] = Array.from({ length: 77 }, () => []);
  let pooled: number[] = [];
  for (const suffix of xl ? ["", "_2"] : [""]) {
    const tokenizer = await loadClipTokenizer(join(folder, `tokenizer${suffix}`), {
      signal: new AbortController().signal,
    });
    const [ids] = tokenizer.encodePrompt(text).chunks;
    const session = await open(folder, `text_encoder${suffix}`);
    const outputs = await session.run({ input_ids: new Tensor("int64", BigInt64Array.from(ids!, BigInt), [1, 77]) });
    const layers = Object.keys(outputs).filter((name) => name.startsWith("hidden_states.")).length;
    // `hidden_states[-2]` of the reference.
    const states = outputs[xl ? `hidden_states.${layers - 2}` : "last_hidden_state"]!.data as Float32Array;
    for (const [i, row] of rows.entries())
      row.push(...states.subarray((i * states.length) / 77, ((i + 1) * states.length) / 77));
    if (suffix === "_2") pooled = [...(outputs["text_embeds"]!.data as Float32Array)];
  }
  return { states: rows.flat(), pooled };
}

function open(folder: string, name: string): Promise<InferenceSession> {
  return InferenceSession.create(join(folder, name, "model.onnx"), { intraOpNumThreads: 1 });
}

function floats(values: readonly number[], dims: readonly number[]): Tensor {
  return new Tensor("float32", Float32Array.from(values), dims);
}
