// The image backend: one Stable Diffusion folder in this process. Runs in a child process, because the runtime's calls block the thread
// they are made on; it yields between steps, so that cancellations arrive within one.
import { createAdmission, type Admission } from "../common/admission.ts";
import type { Backend, BackendContext, BackendDescription, Operation, Operations } from "../../domain/backend.ts";
import { ServerError } from "../../domain/errors.ts";
import type { ImageEditRequest, ImageEvent, ImageRequest } from "../../domain/image.ts";
import type { ImageModelOptions, ModelSpec } from "../../domain/model.ts";
import { EventQueue } from "../../util/event-queue.ts";
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
  return new DiffusionBackend({ spec, options, model, context });
}

class DiffusionBackend implements Backend {
  readonly description: BackendDescription;
  readonly #id: string;
  readonly #options: ImageModelOptions;
  readonly #model: LoadedModel;
  readonly #context: BackendContext;
  readonly #sizeRules: SizeRules;
  readonly #admission: Admission;
  readonly #turns = createTurns();
  readonly #lifetime = new AbortController();
  readonly #running = new Set<Promise<void>>();
  /** Images that accepted requests still wait for, and the time one takes. */
  #waitingImages = 0;
  #imageMs = 0;
  #disposal: Promise<void> | undefined;

  constructor({
    spec,
    options,
    model,
    context,
  }: {
    readonly spec: ModelSpec;
    readonly options: ImageModelOptions;
    readonly model: LoadedModel;
    readonly context: BackendContext;
  }) {
    this.#id = spec.id;
    this.#options = options;
    this.#model = model;
    this.#context = context;
    this.#sizeRules = sizeRulesOf(model, options);
    this.description = describeModel(model, { options, sizeRules: this.#sizeRules });
    this.#admission = createAdmission({
      running: 1,
      maxQueue: options.maxQueue,
      retryAfterSeconds: () => Math.min(600, Math.max(1, Math.ceil((this.#waitingImages * this.#imageMs) / 1000))),
    });
  }

  async *run<O extends Operation>(
    operation: O,
    request: Operations[O]["request"],
    signal: AbortSignal,
  ): AsyncGenerator<Operations[O]["event"], void, undefined> {
    yield* this.#events(operation, request as ImageRequest | ImageEditRequest, signal);
  }

  async *#events(
    operation: Operation,
    request: ImageRequest | ImageEditRequest,
    caller: AbortSignal,
  ): AsyncGenerator<ImageEvent, void, undefined> {
    const left = new AbortController();
    const signal = AbortSignal.any([caller, left.signal, this.#lifetime.signal]);
    signal.throwIfAborted();
    if (!this.description.operations.includes(operation)) {
      const does = this.description.operations.join(" and ");
      throw new ServerError("unsupported_operation", `This model does ${does}, not ${operation}.`);
    }
    const leave = this.#admission.enter();
    try {
      const plan = await this.#plan(request);
      signal.throwIfAborted();
      yield { type: "accepted" };
      const events = new EventQueue<ImageEvent>();
      const work = this.#generate(plan, { events, signal });
      try {
        yield* events;
      } finally {
        // A caller that stops reading ends the work as one that aborts does; the next request must not meet its sessions running.
        left.abort(new ServerError("cancelled", "The request was cancelled."));
        await work;
      }
    } finally {
      leave();
    }
  }

  dispose(): Promise<void> {
    this.#disposal ??= this.#dispose();
    return this.#disposal;
  }

  async #dispose(): Promise<void> {
    this.#lifetime.abort(new ServerError("shutting_down", "The model is being unloaded."));
    await Promise.all(this.#running);
    await this.#model.store.release();
  }

  /** Runs to its end on its own; failures reach the reader through `events`. */
  #generate(
    plan: GenerationPlan,
    { events, signal }: { readonly events: EventQueue<ImageEvent>; readonly signal: AbortSignal },
  ): Promise<void> {
    let expected = plan.request.n;
    let imageStart = performance.now();
    this.#waitingImages += expected;
    const finishImage = (): void => {
      const now = performance.now();
      this.#imageMs = now - imageStart;
      imageStart = now;
      expected -= 1;
      this.#waitingImages -= 1;
    };
    const work = generateImages(plan, {
      model: this.#model,
      modelId: this.#id,
      options: this.#options,
      turns: this.#turns,
      log: this.#context.log,
      signal,
      emit: (event) => {
        if (event.type === "image") finishImage();
        events.push(event);
      },
    })
      .then(
        () => events.end(),
        (error: unknown) => (signal.aborted ? events.abandon(signal.reason) : events.fail(error)),
      )
      .finally(() => {
        this.#waitingImages -= expected;
        this.#running.delete(work);
      });
    this.#running.add(work);
    return work;
  }

  /** Everything that can be refused is refused here. */
  async #plan(request: ImageRequest | ImageEditRequest): Promise<GenerationPlan> {
    const edited = "image" in request ? request : undefined;
    const settings = resolveSettings(request, {
      options: this.#options,
      folder: this.#model.folder,
      toldGuidance: this.#model.unetShape.toldGuidance,
      ...(edited === undefined ? {} : { edit: edited }),
    });
    const asked = request.size ?? (edited === undefined ? null : await this.#sizeOfUpload(edited));
    const size = chooseSize(asked, this.#sizeRules);
    const prompts = tokenizePrompts(
      { prompt: request.prompt, negativePrompt: settings.guided ? settings.negativePrompt : undefined },
      {
        encoders: this.#model.encoders,
        ...(this.#model.unetShape.tokens === undefined ? {} : { maximum: 1 }),
      },
    );
    const edit = edited === undefined ? undefined : await readEdit(edited, size.generated);
    return { request, settings, size, prompts, edit };
  }

  async #sizeOfUpload({ image }: ImageEditRequest): Promise<{ width: number; height: number }> {
    return sizeLike(await readPictureSize(image, "image"), this.#sizeRules);
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
