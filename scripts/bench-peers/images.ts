// Pictures without a server: only the calls of onnxruntime-node that a Stable Diffusion 1 picture takes, i.e. the text encoder twice, the
// UNet once per step with guidance as one batch, and the VAE decoder.
//
//   hearth bench images ... --against-process 'npx tsx scripts/bench-peers/images.ts FOLDER' [--threads 2] [--steps 20]
import { availableParallelism } from "node:os";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { InferenceSession, Tensor } from "onnxruntime-node";
import { answerLines, secondsOf } from "./answer-lines.ts";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    threads: { type: "string", default: String(availableParallelism()) },
    steps: { type: "string", default: "20" },
    size: { type: "string", default: "512x512" },
  },
});
const [folder] = positionals;
if (folder === undefined) throw new Error("Which folder holds the model?");
const open = (part: string): Promise<InferenceSession> =>
  InferenceSession.create(join(resolve(folder), part, "model.onnx"), {
    intraOpNumThreads: Number(values.threads),
    graphOptimizationLevel: "all",
    logSeverityLevel: 3,
  });
const [textEncoder, unet, decoder] = [await open("text_encoder"), await open("unet"), await open("vae_decoder")];

interface ImageRequest {
  readonly size: string | null;
  readonly steps: number | null;
  readonly n: number;
}

await answerLines(async (request) => {
  const { size, steps, n } = request as ImageRequest;
  const [width = 512, height = 512] = (size ?? values.size).split("x").map(Number);
  const seconds = await secondsOf(async () => {
    const states = await encodePrompt();
    for (let image = 0; image < n; image++)
      await paint(states, { steps: steps ?? Number(values.steps), width, height });
  });
  return { seconds, runtimeSeconds: seconds };
});

/** The states of prompt and negative prompt as one batch, [2, 77, width]. */
async function encodePrompt(): Promise<Tensor> {
  // The time does not depend on which tokens they are.
  const states: Float32Array[] = [];
  let dims: readonly number[] = [];
  for (let i = 0; i < 2; i++) {
    const output = await textEncoder.run({ input_ids: whole("input_ids", textEncoder, { dims: [1, 77], value: 1 }) });
    const state = output["last_hidden_state"] ?? Object.values(output)[0];
    if (state === undefined) throw new Error("The text encoder gave no states.");
    states.push(state.data as Float32Array);
    dims = state.dims;
  }
  const both = new Float32Array(states.reduce((total, { length }) => total + length, 0));
  for (const [index, state] of states.entries()) both.set(state, index * state.length);
  return new Tensor("float32", both, [2, ...dims.slice(1)]);
}

async function paint(
  states: Tensor,
  { steps, width, height }: { readonly steps: number; readonly width: number; readonly height: number },
): Promise<void> {
  const dims = [4, height / 8, width / 8];
  const latents = Float32Array.from({ length: (4 * height * width) / 64 }, (_, index) => Math.sin(index));
  const pair = new Float32Array(latents.length * 2);
  pair.set(latents);
  pair.set(latents, latents.length);
  for (let step = 0; step < steps; step++) {
    await unet.run({
      sample: new Tensor("float32", pair, [2, ...dims]),
      timestep: whole("timestep", unet, { dims: timestepDims(), value: 999 - step }),
      encoder_hidden_states: states,
    });
  }
  await decoder.run({ latent_sample: new Tensor("float32", latents, [1, ...dims]) });
}

/** Exporters differ in whether a timestep is a scalar or a list. */
function timestepDims(): number[] {
  const metadata = metadataOf(unet, "timestep");
  return metadata?.isTensor === true && metadata.shape.length > 0 ? [1] : [];
}

/** A tensor filled with one whole number, in the type that the graph asks for. */
function whole(
  name: string,
  session: InferenceSession,
  { dims, value }: { readonly dims: readonly number[]; readonly value: number },
): Tensor {
  const count = dims.reduce((product, size) => product * size, 1);
  const metadata = metadataOf(session, name);
  const type = metadata?.isTensor === true ? metadata.type : "int64";
  if (type === "int32") return new Tensor("int32", new Int32Array(count).fill(value), dims);
  if (type === "float32") return new Tensor("float32", new Float32Array(count).fill(value), dims);
  return new Tensor("int64", new BigInt64Array(count).fill(BigInt(value)), dims);
}

function metadataOf(session: InferenceSession, name: string): InferenceSession.ValueMetadata | undefined {
  return session.inputMetadata.find((metadata) => metadata.name === name);
}
