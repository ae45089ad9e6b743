// Runs the folder's safety checker, where the configuration asks for it. As in the reference, a picture that it flags is replaced by a
// black one. Reference: diffusers' StableDiffusionSafetyChecker and its CLIP image processor.
import { join } from "node:path";
import { numberOr, readJsonObject } from "../../../model-files/json-file.ts";
import type { DiffusionFolder } from "../folder/model-folder.ts";
import { FloatBuffer, type OnnxGraph } from "../../onnx/graph.ts";
import { centreSquare } from "./picture.ts";
import type { Pixels } from "../vae/vae.ts";

export interface SafetyCheckerSettings {
  /** Pixels of CLIP's square input, each way. */
  readonly side: number;
  readonly mean: readonly number[];
  readonly deviation: readonly number[];
}

const colours = 3;

/** Reads `feature_extractor/preprocessor_config.json`; the defaults are CLIP's. */
export async function readSafetySettings(folder: DiffusionFolder): Promise<SafetyCheckerSettings> {
  const config = (await readJsonObject(join(folder.path, "feature_extractor", "preprocessor_config.json"))) ?? {};
  const crop = config["crop_size"];
  const side = typeof crop === "object" && crop !== null && "height" in crop ? crop.height : crop;
  return {
    side: numberOr(side, 224),
    mean: numbersOr(config["image_mean"], [0.48145466, 0.4578275, 0.40821073]),
    deviation: numbersOr(config["image_std"], [0.26862954, 0.26130258, 0.27577711]),
  };
}

/** @throws ServerError `model_load_failed` where the graph is no safety checker */
export function assertSafetyChecker(graph: OnnxGraph): void {
  graph.assertInputs({ required: ["clip_input"], optional: ["images"] });
  graph.outputNamed(["has_nsfw_concepts"]);
}

export async function isFlagged(graph: OnnxGraph, pixels: Pixels, settings: SafetyCheckerSettings): Promise<boolean> {
  const { side, mean, deviation } = settings;
  const square = await centreSquare(pixels, side);
  const clipInput = new Float32Array(colours * side * side);
  for (let colour = 0; colour < colours; colour++) {
    const offset = colour * side * side;
    for (let i = 0; i < side * side; i++) {
      clipInput[offset + i] = (square[i * colours + colour]! / 255 - mean[colour]!) / deviation[colour]!;
    }
  }
  const clip = new FloatBuffer(graph.floatTypeOf("clip_input"), [1, colours, side, side]);
  clip.write(clipInput);
  const feeds = { clip_input: clip.tensor };
  const output = graph.outputNamed(["has_nsfw_concepts"]);
  if (!graph.inputs.has("images")) return isTrue((await graph.run(feeds, [output]))[output]?.data);
  const images = new FloatBuffer(graph.floatTypeOf("images"), [1, pixels.height, pixels.width, colours]);
  images.write(pixels.data, { factor: 1 / 255 });
  return isTrue((await graph.run({ ...feeds, images: images.tensor }, [output]))[output]?.data);
}

export function blackened({ width, height }: Pixels): Pixels {
  return { data: new Uint8ClampedArray(colours * width * height), width, height };
}

function isTrue(data: unknown): boolean {
  return (ArrayBuffer.isView(data) || Array.isArray(data)) && Boolean((data as unknown as readonly unknown[])[0]);
}

function numbersOr(value: unknown, fallback: readonly number[]): readonly number[] {
  const isUsable =
    Array.isArray(value) && value.length === colours && value.every((entry) => typeof entry === "number");
  return isUsable ? value : fallback;
}
