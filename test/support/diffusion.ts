// Image models for tests: fixtures in temporary folders, a backend in this process, and one request run to its end. What the fixtures draw
// is compared with diffusers' pictures in test/models/diffusion/reference-pictures.test.ts.
import { join } from "node:path";
import sharp from "sharp";
import { createDiffusionBackend } from "../../src/backends/diffusion/backend.ts";
import type { Backend } from "../../src/domain/backend.ts";
import type { DeviceServices } from "../../src/domain/device.ts";
import type { ImageEditRequest, ImageEvent, ImageRequest } from "../../src/domain/image.ts";
import type { ImageModelOptions } from "../../src/domain/model.ts";
import { writePictureModel, type PictureModel } from "./picture-fixtures.ts";
import { runBackend } from "./run-backend.ts";
import { temporaryFolder } from "./temporary-folder.ts";

export const imageOptions: ImageModelOptions = {
  kind: "image",
  steps: null,
  guidanceScale: null,
  guidanceRescale: 0,
  scheduler: null,
  negativePrompt: null,
  defaultSize: 0,
  minSize: 64,
  maxSize: 2048,
  nativeSize: 0,
  upscale: false,
  lowMemory: false,
  guidanceBatch: "auto",
  vaeTileSize: 128,
  safetyChecker: false,
  pngMetadata: true,
  threads: 1,
  executionProviders: ["cpu"],
  maxQueue: 16,
};

/** A small picture in four steps: what most tests need. */
export const imageRequest: ImageRequest = {
  prompt: "a red house by the sea",
  n: 1,
  size: { width: 64, height: 64 },
  format: "png",
  compression: 100,
  quality: "auto",
  style: null,
  steps: 4,
  seed: 1,
  partialImages: 0,
};

export const tinyImagePath = join(import.meta.dirname, "../../models/tiny-image");

export interface LogLine {
  readonly level: string;
  readonly message: string;
  readonly facts: Record<string, unknown>;
}

export interface DiffusionModels {
  /** The folder of a fixture, to be read only. */
  readonly folder: (model: PictureModel) => string;
  /** A copy that the test may change. */
  readonly copy: (model: PictureModel) => string;
  /** An empty folder. */
  readonly emptyFolder: (name: string) => string;
  /** Opens a folder; disposed of by `close`. */
  readonly open: (path: string, options?: Partial<ImageModelOptions>, log?: LogLine[]) => Promise<Backend>;
  readonly close: () => Promise<void>;
}

export function createDiffusionModels(devices?: DeviceServices): DiffusionModels {
  const root = temporaryFolder("images");
  const written = new Set<string>();
  const backends: Backend[] = [];
  return {
    folder(model) {
      const path = join(root, model);
      if (!written.has(model)) writePictureModel(path, model);
      written.add(model);
      return path;
    },
    copy(model) {
      const path = temporaryFolder(model);
      writePictureModel(path, model);
      return path;
    },
    emptyFolder: (name) => temporaryFolder(name),
    async open(path, options = {}, log = []) {
      const spec = {
        id: "test-model",
        kind: "image",
        path,
        createdSeconds: 0,
        ttlMs: 0,
        pinned: false,
        preload: false,
      } as const;
      const backend = await createDiffusionBackend(
        { ...spec, options: { ...imageOptions, ...options } },
        {
          cacheDirectory: root,
          memoryBudgetBytes: Infinity,
          signal: new AbortController().signal,
          log: (level, message, facts = {}) => log.push({ level, message, facts }),
          ...(devices === undefined ? {} : { devices }),
        },
      );
      backends.push(backend);
      return backend;
    },
    async close() {
      for (const backend of backends) await backend.dispose();
    },
  };
}

/** All events of one request. */
export async function generate(
  backend: Backend,
  request: Partial<ImageRequest> = {},
  signal: AbortSignal = new AbortController().signal,
): Promise<ImageEvent[]> {
  return collect(runBackend(backend, "image", { ...imageRequest, ...request }, { signal }));
}

export async function edit(
  backend: Backend,
  request: Partial<ImageEditRequest> & Pick<ImageEditRequest, "image">,
): Promise<ImageEvent[]> {
  const full: ImageEditRequest = { ...imageRequest, mask: null, ...request };
  return collect(runBackend(backend, "image-edit", full));
}

export function eventsOf<T extends ImageEvent["type"]>(
  events: readonly ImageEvent[],
  type: T,
): Extract<ImageEvent, { type: T }>[] {
  return events.filter((event): event is Extract<ImageEvent, { type: T }> => event.type === type);
}

/** The first picture's file. */
export function fileOf(events: readonly ImageEvent[]): Uint8Array {
  const [image] = eventsOf(events, "image");
  if (image === undefined) throw new Error("no picture was made");
  return image.bytes;
}

export interface DecodedPicture {
  /** Interleaved RGB. */
  readonly data: Uint8Array;
  readonly width: number;
  readonly height: number;
}

export async function decodePicture(bytes: Uint8Array): Promise<DecodedPicture> {
  const { data, info } = await sharp(bytes).removeAlpha().raw().toBuffer({ resolveWithObject: true });
  return { data, width: info.width, height: info.height };
}

/** Mean and spread of all values: a picture of one colour has no spread. */
export function statisticsOf({ data }: Pick<DecodedPicture, "data">): {
  readonly mean: number;
  readonly spread: number;
} {
  const mean = data.reduce((sum, value) => sum + value, 0) / data.length;
  const squares = data.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  return { mean, spread: Math.sqrt(squares / data.length) };
}

/** Peak signal-to-noise ratio in decibels, of bytes. */
export function peakSignalToNoise(a: Uint8Array, b: Uint8Array): number {
  let squares = 0;
  for (let i = 0; i < a.length; i++) squares += (a[i]! - b[i]!) ** 2;
  return 10 * Math.log10(255 ** 2 / (squares / a.length));
}

async function collect(events: AsyncIterable<ImageEvent>): Promise<ImageEvent[]> {
  const collected: ImageEvent[] = [];
  for await (const event of events) collected.push(event);
  return collected;
}
