// The image backend: one Stable Diffusion folder. It runs in a runner's process, because the runtime's calls block their thread, and
// yields to the event loop between steps, so that a cancellation takes effect within one.
import { createAdmission, type Admission } from "../common/admission.ts";
import { createBackend, type Handlers } from "../common/operation-table.ts";
import type { Backend, BackendContext, Call, EventSink } from "../../domain/backend.ts";
import { ServerError } from "../../domain/errors.ts";
import type { ImageEditRequest, ImageEvent, ImageRequest } from "../../domain/image.ts";
import type { ImageModelOptions, ModelSpec } from "../../domain/model.ts";
import { describeModel, sizeRulesOf } from "./describe-model.ts";
import { generateImages, type GenerationPlan } from "./pipeline/generate-images.ts";
import { chooseSize, sizeLike, type SizeRules } from "./request/image-size.ts";
import { loadModel, type LoadedModel } from "./loaded-model.ts";
import { readMask, readPicture, readPictureSize } from "./output/picture.ts";
import { resolveSettings } from "./request/request-settings.ts";
import type { EditInput } from "./pipeline/start-latents.ts";
import { tokenizePrompts } from "./prompt/text-conditioning.ts";
import { createTurns } from "../common/turns.ts";

/**
 * Loads the folder at `spec.path`.
 * @throws ServerError `model_load_failed` saying what was expected and what was found
 */
export async function createDiffusionBackend(spec: ModelSpec, context: BackendContext): Promise<Backend> {
  const { options } = spec;
  if (options.kind !== "image") {
    throw new ServerError("model_load_failed", `The model '${spec.id}' is not configured as an image model.`);
  }
  const model = await loadModel(spec.path, { options, context });
  const maker = new ImageMaker({ id: spec.id, options, model, log: context.log });
  return createBackend(describeModel(model, { options, sizeRules: maker.sizeRules }), {
    handlers: handlersOf(model, maker),
    dispose: () => model.store.release(),
  });
}

function handlersOf({ folder }: LoadedModel, maker: ImageMaker): Handlers {
  const make = (request: ImageRequest | ImageEditRequest, call: Call<ImageEvent>): Promise<void> =>
    maker.make(request, call);
  return {
    // An inpainting model (9 input channels) cannot generate without a picture.
    ...(folder.inputChannels === 9 ? {} : { image: make }),
    ...(folder.graphs.has("vae_encoder") ? { "image-edit": make } : {}),
  };
}

interface ImageMakerParts {
  readonly id: string;
  readonly options: ImageModelOptions;
  readonly model: LoadedModel;
  readonly log: BackendContext["log"];
}

/** Answers requests for images, one image at a time. */
class ImageMaker {
  readonly sizeRules: SizeRules;
  readonly #id: string;
  readonly #options: ImageModelOptions;
  readonly #model: LoadedModel;
  readonly #log: BackendContext["log"];
  readonly #admission: Admission;
  readonly #turns = createTurns();
  /** Images that accepted requests still have to get. */
  #waitingImages = 0;
  /** Time that the last image took. */
  #imageMs = 0;

  constructor({ id, options, model, log }: ImageMakerParts) {
    this.#id = id;
    this.#options = options;
    this.#model = model;
    this.#log = log;
    this.sizeRules = sizeRulesOf(model, options);
    this.#admission = createAdmission({
      running: 1,
      maxQueue: options.maxQueue,
      retryAfterSeconds: () => Math.min(600, Math.max(1, Math.ceil((this.#waitingImages * this.#imageMs) / 1000))),
    });
  }

  async make(request: ImageRequest | ImageEditRequest, call: Call<ImageEvent>): Promise<void> {
    const leave = this.#admission.enter(call.signal);
    try {
      const plan = await this.#plan(request);
      call.signal.throwIfAborted();
      call.sink.push({ type: "accepted", ...this.#warnings(plan) });
      await this.#generate(plan, call);
    } finally {
      leave();
    }
  }

  /** What of the request is not held. */
  #warnings({ edit }: GenerationPlan): { readonly warnings?: readonly string[] } {
    const used = [...this.#model.unseeded].filter((name) => name !== "vae_encoder" || edit !== undefined);
    if (used.length === 0) return {};
    return {
      warnings: used.map(
        (name) => `{seed} does not reach the model's ${name}, which draws random numbers of its own: pictures differ.`,
      ),
    };
  }

  /** Generates the images and keeps count of those still to come, for the retry time of requests refused meanwhile. */
  async #generate(plan: GenerationPlan, { sink, signal }: Call<ImageEvent>): Promise<void> {
    let expected = plan.request.n;
    let imageStart = performance.now();
    this.#waitingImages += expected;
    const countImage = (): void => {
      const now = performance.now();
      this.#imageMs = now - imageStart;
      imageStart = now;
      expected -= 1;
      this.#waitingImages -= 1;
    };
    const counted: EventSink<ImageEvent> = {
      get credit() {
        return sink.credit;
      },
      onCredit: (listener) => sink.onCredit(listener),
      push(event) {
        if (event.type === "image") countImage();
        sink.push(event);
      },
    };
    try {
      await generateImages(plan, {
        model: this.#model,
        modelId: this.#id,
        options: this.#options,
        turns: this.#turns,
        log: this.#log,
        call: { sink: counted, signal },
      });
    } finally {
      this.#waitingImages -= expected;
    }
  }

  /** Checks the request and resolves its settings, size, prompts and pictures. @throws ServerError for all that can be refused */
  async #plan(request: ImageRequest | ImageEditRequest): Promise<GenerationPlan> {
    const edited = "image" in request ? request : undefined;
    const settings = resolveSettings(request, {
      options: this.#options,
      folder: this.#model.folder,
      toldGuidance: this.#model.unetShape.toldGuidance,
      ...(edited === undefined ? {} : { edit: edited }),
    });
    const asked = request.size ?? (edited === undefined ? null : await this.#sizeOfUpload(edited));
    const size = chooseSize(asked, this.sizeRules);
    const prompts = tokenizePrompts(
      { prompt: request.prompt, negativePrompt: settings.guided ? (settings.negativePrompt ?? "") : undefined },
      {
        encoders: this.#model.encoders,
        ...(this.#model.unetShape.tokens === undefined ? {} : { maximum: 1 }),
      },
    );
    const edit = edited === undefined ? undefined : await readEdit(edited, size.generated);
    return { request, settings, size, prompts, edit };
  }

  async #sizeOfUpload({ image }: ImageEditRequest): Promise<{ width: number; height: number }> {
    return sizeLike(await readPictureSize(image, "image"), this.sizeRules);
  }
}

async function readEdit(
  { image, mask }: ImageEditRequest,
  size: { width: number; height: number },
): Promise<EditInput> {
  if (mask !== null) {
    const [picture, other] = [await readPictureSize(image, "image"), await readPictureSize(mask, "mask")];
    if (picture.width !== other.width || picture.height !== other.height) {
      throw new ServerError("invalid_value", {
        message: `mask is ${other.width}x${other.height} and image is ${picture.width}x${picture.height}; both must have the same size.`,
        param: "mask",
      });
    }
  }
  return {
    pixels: await readPicture(image, { size, param: "image" }),
    mask: mask === null ? undefined : await readMask(mask, size),
  };
}
