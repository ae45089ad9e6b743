// Stable Diffusion folders and pictures by diffusers, as scripts/fixtures/pictures/make.py writes them to test/fixtures/pictures.
import { cpSync, existsSync, mkdirSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import type { ImageEditRequest, ImageRequest } from "../../src/domain/image.ts";
import { parseRequest } from "../../src/wire/contract/parse-request.ts";
import { imageEditContract } from "../../src/wire/openai/images/edit.ts";
import { imageContract } from "../../src/wire/openai/images/generation.ts";
import { toImageEditRequest, toImageRequest } from "../../src/wire/openai/images/to-domain.ts";

const root = resolve(import.meta.dirname, "../fixtures/pictures");

/** The folders by name, each with the one that it lies over: a part that two models share is there once. */
const bases = readJson("models.json") as Readonly<Record<PictureModel, PictureModel | null>>;

export type PictureModel =
  | "sd15"
  | "sd15-checked"
  | "sd15-static"
  | "sd15-half"
  | "sd15-int8"
  | "sd15-legacy"
  | "sd15-tiny-vae"
  | "sd21"
  | "sd-turbo"
  | "sdxl"
  | "sdxl-turbo"
  | "lcm"
  | "inpainting";

/** A request as a client writes it, and the picture that diffusers draws for it. */
export interface PictureCase {
  readonly name: string;
  readonly model: PictureModel;
  readonly request: Readonly<Record<string, unknown>> & { readonly image?: string; readonly mask?: string };
  /** In place of the folder's scheduler. */
  readonly scheduler_config?: Readonly<Record<string, unknown>>;
  /** On top of the folder's. */
  readonly vae_config?: Readonly<Record<string, unknown>>;
  /** Of the model's configuration. */
  readonly options?: {
    readonly guidance_rescale?: number;
    readonly safety_checker?: boolean;
    readonly scheduler?: string;
  };
  /** Name of a file. */
  readonly picture: string;
}

export const pictureCases = (readJson("cases.json") as { readonly cases: readonly PictureCase[] }).cases;

/** Writes a model's folder with all of its parts. */
export function writePictureModel(folder: string, model: PictureModel): void {
  const base = bases[model];
  if (base === null) mkdirSync(folder, { recursive: true });
  else writePictureModel(folder, base);
  cpSync(join(root, model), folder, { recursive: true });
}

/** The bytes of a picture of a case, or of an upload. */
export function pictureFile(name: string): Buffer {
  return readFileSync(join(root, "pictures", name));
}

/** The request as the server's own contract reads it. */
export function requestOf({ request }: PictureCase): ImageRequest | ImageEditRequest {
  if (request.image === undefined) return toImageRequest(parseRequest(imageContract, request));
  const uploads = { image: uploadOf(request.image, request["size"]), mask: uploadOf(request.mask, request["size"]) };
  return toImageEditRequest(parseRequest(imageEditContract, { ...request, ...uploads }));
}

function uploadOf(name: string | undefined, size: unknown): Buffer | undefined {
  if (name === undefined) return undefined;
  const wide = name.replace(".png", "-wide.png");
  return pictureFile(size === "96x64" && existsSync(join(root, "pictures", wide)) ? wide : name);
}

function readJson(name: string): unknown {
  return JSON.parse(readFileSync(join(root, name), "utf8"));
}
