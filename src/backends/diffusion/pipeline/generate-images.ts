// Generates the images of a request, from its prompts to its last event. Images are made one after another, each in a turn of its own
// (common/turns.ts), or with `lowMemory` all in one. Encoding the file of one overlaps with the first steps of the next.
import type { BackendContext, Call } from "../../../domain/backend.ts";
import type { ImageEvent, ImageRequest } from "../../../domain/image.ts";
import type { ImageModelOptions } from "../../../domain/model.ts";
import { TorchGenerator } from "../noise/torch-random.ts";
import { waitForCredit } from "../../common/credit.ts";
import { createDenoiser, type Denoiser } from "../unet/denoiser.ts";
import { denoiseImage, previewSteps } from "./denoise-image.ts";
import { formatParameters, samplerTitle } from "../output/generation-parameters.ts";
import type { ChosenSize } from "../request/image-size.ts";
import type { LoadedModel } from "../loaded-model.ts";
import { fitsAsBatch } from "../folder/memory-estimate.ts";
import { createOutputChain, type OutputChain } from "../output/output-chain.ts";
import { encodePicture } from "../output/picture.ts";
import { PhaseClock } from "./phase-clock.ts";
import { schedulerOf, type RequestSettings } from "../request/request-settings.ts";
import { blackened, isFlagged } from "../output/safety-checker.ts";
import { encodeEdit, prepareLatents, type EditInput, type EncodedEdit } from "./start-latents.ts";
import { encodePrompts, type EncodedPrompts, type PromptConditioning } from "../prompt/text-conditioning.ts";
import type { Turns } from "../../common/turns.ts";
import { inputImageTokens, outputImageTokens } from "../request/usage.ts";
import { decodeLatents, type Pixels } from "../vae/vae.ts";
import { yieldToEvents } from "../../../util/time-slice.ts";

export interface GenerationPlan {
  readonly request: ImageRequest;
  readonly settings: RequestSettings;
  readonly size: ChosenSize;
  readonly prompts: EncodedPrompts;
  readonly edit: EditInput | undefined;
}

export interface GenerationContext {
  readonly model: LoadedModel;
  readonly modelId: string;
  readonly options: ImageModelOptions;
  readonly turns: Turns;
  readonly log: BackendContext["log"];
  readonly call: Call<ImageEvent>;
}

/**
 * Pushes every event after `accepted`. It waits for a reader that is behind only between two turns: during one, other requests wait for
 * the model, and the events of a turn are bounded (for each image one small event a step, three previews and a picture).
 * @throws the signal's reason, between two runs of a graph
 */
export async function generateImages(plan: GenerationPlan, context: GenerationContext): Promise<void> {
  await new Generation(plan, context).run();
}

/** The state of one request. */
class Generation {
  readonly #plan: GenerationPlan;
  readonly #context: GenerationContext;
  readonly #output: OutputChain;
  readonly #phases = new PhaseClock(() => performance.now());
  readonly #started = performance.now();
  #conditioning: PromptConditioning | undefined;
  #edit: EncodedEdit | undefined;
  #denoiser: Denoiser | undefined;

  constructor(plan: GenerationPlan, context: GenerationContext) {
    this.#plan = plan;
    this.#context = context;
    this.#output = createOutputChain();
  }

  async run(): Promise<void> {
    const { request, size, prompts, edit } = this.#plan;
    const { options, call } = this.#context;
    const images = Array.from({ length: request.n }, (_, image) => image);
    try {
      // With `lowMemory` all images are made in one round, as loading a graph takes longer than a step.
      for (const round of options.lowMemory ? [images] : images.map((image) => [image])) {
        await waitForCredit(call);
        await this.#makeRound(round);
      }
    } finally {
      // No file may be pushed after the end of a request that failed.
      await this.#output.settled();
    }
    await this.#output.done();
    this.#push({
      type: "finish",
      promptTokens: prompts.tokenCount,
      imageTokens: request.n * outputImageTokens(size.output, request.quality),
      inputImageTokens: edit === undefined ? 0 : inputImageTokens(edit.pixels),
      timings: this.#phases.timings,
    });
  }

  async #makeRound(images: readonly number[]): Promise<void> {
    const { turns, call, model, log, modelId } = this.#context;
    const endTurn = await this.#phases.during("queueMs", () => turns.take(call.signal));
    const start = performance.now();
    const ranBefore = model.store.clock.runMs;
    try {
      const latents: Float32Array[] = [];
      for (const image of images) latents.push(await this.#phases.during("denoiseMs", () => this.#denoise(image)));
      for (const [i, image] of images.entries()) await this.#decode(image, latents[i]!);
    } finally {
      endTurn();
    }
    const { settings, size, request } = this.#plan;
    log("info", "Made images.", {
      model: modelId,
      images: images.length,
      of: request.n,
      steps: settings.steps,
      size: `${size.generated.width}x${size.generated.height}`,
      wallMs: tenths(performance.now() - start),
      onnxMs: tenths(model.store.clock.runMs - ranBefore),
      sinceRequestMs: tenths(performance.now() - this.#started),
    });
  }

  async #denoise(image: number): Promise<Float32Array> {
    const { model, log, call } = this.#context;
    const { settings, request } = this.#plan;
    const { conditioning, edit } = await this.#phases.during("conditionMs", () => this.#condition());
    const random = new TorchGenerator(settings.seed + image);
    const scheduler = schedulerOf(settings, request);
    const start = prepareLatents({ scheduler, random, ...this.#latentSize(), edit });
    const previews = previewSteps(request.partialImages, scheduler.timesteps.length - scheduler.startIndex);
    const unet = await model.store.get("unet", previews.length > 0 ? ["vae_decoder"] : []);
    this.#denoiser ??= createDenoiser(unet, this.#denoiserOptions(conditioning));
    let stepStart = performance.now();
    return denoiseImage({
      scheduler,
      denoiser: this.#denoiser,
      unet,
      start,
      random,
      afterStep: async ({ done, steps, predicted }) => {
        this.#push({ type: "progress", image, step: done, steps });
        log("debug", "Denoising step.", {
          image,
          step: done,
          steps,
          stepMs: tenths(performance.now() - stepStart),
        });
        await yieldToEvents();
        call.signal.throwIfAborted();
        const index = previews.indexOf(done);
        if (index >= 0) await this.#preview({ image, index, latents: predicted });
        stepStart = performance.now();
      },
    });
  }

  async #condition(): Promise<{ readonly conditioning: PromptConditioning; readonly edit: EncodedEdit | undefined }> {
    return { conditioning: await this.#encodeText(), edit: await this.#encodeEdit() };
  }

  async #encodeText(): Promise<PromptConditioning> {
    const { model } = this.#context;
    this.#conditioning ??= await encodePrompts(this.#plan.prompts, {
      encoders: model.encoders,
      store: model.store,
      folder: model.folder,
      zeroNegative: model.folder.zerosForNoNegative && this.#plan.settings.negativePrompt === null,
      betweenRuns: this.#betweenRuns,
    });
    return this.#conditioning;
  }

  async #encodeEdit(): Promise<EncodedEdit | undefined> {
    const { model } = this.#context;
    const { edit, settings } = this.#plan;
    if (edit === undefined) return undefined;
    this.#edit ??= await encodeEdit(await model.store.get("vae_encoder"), {
      input: edit,
      strength: settings.strength ?? 1,
      folder: model.folder,
      inputChannels: model.folder.inputChannels,
    });
    await this.#betweenRuns();
    return this.#edit;
  }

  #latentSize(): { width: number; height: number } {
    const { generated } = this.#plan.size;
    const { vaeScale } = this.#context.model.folder;
    return { width: generated.width / vaeScale, height: generated.height / vaeScale };
  }

  #denoiserOptions(conditioning: PromptConditioning): Parameters<typeof createDenoiser>[1] {
    const { model, options } = this.#context;
    const { settings, size } = this.#plan;
    const { guidanceBatch } = options;
    return {
      conditioning,
      ...this.#latentSize(),
      pictureWidth: size.generated.width,
      pictureHeight: size.generated.height,
      guidanceScale: settings.guidanceScale,
      guidanceRescale: options.guidanceRescale,
      batched:
        guidanceBatch === "batch" || (guidanceBatch === "auto" && fitsAsBatch(model.folder, { size: size.generated })),
      inputChannels: model.folder.inputChannels,
    };
  }

  async #preview({ image, index, latents }: { image: number; index: number; latents: Float32Array }): Promise<void> {
    const { request, size } = this.#plan;
    const pixels = await this.#pixelsOf(latents, { besideUnet: true });
    const file = this.#phases.beside(
      "encodeMs",
      encodePicture(pixels, { format: request.format, compression: request.compression, size: size.output }),
    );
    this.#output.push(file, (bytes) => this.#push({ type: "partial", image, index, bytes, size: size.output }));
  }

  async #decode(image: number, latents: Float32Array): Promise<void> {
    const { options } = this.#context;
    const { request, size, settings } = this.#plan;
    const pixels = await this.#pixelsOf(latents, { besideUnet: false });
    const seed = settings.seed + image;
    const file = this.#phases.beside(
      "encodeMs",
      encodePicture(pixels, {
        format: request.format,
        compression: request.compression,
        size: size.output,
        parameters: options.pngMetadata ? this.#parameters(seed) : undefined,
      }),
    );
    this.#output.push(file, (bytes) => this.#push({ type: "image", image, bytes, seed, size: size.output }));
  }

  #pixelsOf(latents: Float32Array, graphs: { readonly besideUnet: boolean }): Promise<Pixels> {
    return this.#phases.during("decodeMs", () => this.#decodePixels(latents, graphs));
  }

  async #decodePixels(latents: Float32Array, { besideUnet }: { readonly besideUnet: boolean }): Promise<Pixels> {
    const { model, options, log } = this.#context;
    const decoder = await model.store.get("vae_decoder", besideUnet ? ["unet"] : []);
    const pixels = await decodeLatents(
      decoder,
      { data: latents, ...this.#latentSize() },
      { folder: model.folder, tileSize: options.vaeTileSize, betweenRuns: this.#betweenRuns },
    );
    await this.#betweenRuns();
    if (model.safety === undefined) return pixels;
    const checker = await model.store.get("safety_checker", besideUnet ? ["unet", "vae_decoder"] : ["vae_decoder"]);
    if (!(await isFlagged(checker, pixels, model.safety))) return pixels;
    log("warn", "The safety checker flagged a picture; it is replaced by a black one.");
    return blackened(pixels);
  }

  #parameters(seed: number): string {
    const { modelId } = this.#context;
    const { request, settings, size } = this.#plan;
    return formatParameters({
      prompt: request.prompt,
      negativePrompt: settings.negativePrompt ?? "",
      steps: settings.steps,
      sampler: samplerTitle(settings.schedulerConfig),
      guidanceScale: settings.guidanceScale,
      seed,
      size: size.generated,
      outputSize: size.output,
      model: modelId,
      strength: settings.strength,
    });
  }

  #push(event: ImageEvent): void {
    const { sink, signal } = this.#context.call;
    if (!signal.aborted) sink.push(event);
  }

  readonly #betweenRuns = async (): Promise<void> => {
    await yieldToEvents();
    this.#context.call.signal.throwIfAborted();
  };
}

/** Rounds to tenths, for the log. */
function tenths(milliseconds: number): number {
  return Math.round(milliseconds * 10) / 10;
}
