// POST /v1/images/generations and POST /v1/images/edits.
import type { Hono } from "hono";
import type { ImageRequest } from "../../domain/image.ts";
import { toImageEditRequest, toImageRequest } from "../../wire/openai/images/to-domain.ts";
import {
  collectImagesResponse,
  createImageEventMapper,
  type ImageAnswerContext,
} from "../../wire/openai/images/to-response.ts";
import { parseRequest } from "../../wire/contract/parse-request.ts";
import { formToBody, imageEditContract } from "../../wire/openai/images/edit.ts";
import { imageContract } from "../../wire/openai/images/generation.ts";
import type { RunningOperation } from "../../services/inference.ts";
import type { HttpDependencies, HttpEnvironment } from "../context.ts";
import { readRequest, start, streamResponse, type HttpContext } from "../endpoint.ts";
import { isFormRequest, readFormBody } from "../request-body.ts";

export function imageRoutes(app: Hono<HttpEnvironment>, deps: HttpDependencies): void {
  const { inference, settings } = deps;

  app.post("/v1/images/generations", async (context) => {
    const body = await readRequest(context, { contract: imageContract, settings });
    const request = toImageRequest(body);
    const running = await start(context, { inference, operation: "image", body, request });
    return answer(context, { running, request, body, family: "image_generation", deps });
  });

  app.post("/v1/images/edits", async (context) => {
    const body = isFormRequest(context.req.raw)
      ? parseRequest(imageEditContract, formToBody(await readFormEntries(context, settings.bodyLimitBytes)))
      : await readRequest(context, { contract: imageEditContract, settings });
    context.set("modelName", body.model ?? undefined);
    const request = toImageEditRequest(body);
    const running = await start(context, { inference, operation: "image-edit", body, request });
    return answer(context, { running, request, body, family: "image_edit", deps });
  });
}

/** The parts of the form in order, files as bytes. */
async function readFormEntries(context: HttpContext, limitBytes: number): Promise<[string, string | Uint8Array][]> {
  const form = await readFormBody(context.req.raw, limitBytes);
  return Promise.all(
    [...form].map(async ([name, value]): Promise<[string, string | Uint8Array]> => [
      name,
      typeof value === "string" ? value : new Uint8Array(await value.arrayBuffer()),
    ]),
  );
}

async function answer(
  context: HttpContext,
  options: {
    readonly running: RunningOperation<"image" | "image-edit">;
    readonly request: ImageRequest;
    readonly body: { readonly stream?: boolean | null | undefined; readonly background?: string | null | undefined };
    readonly family: "image_generation" | "image_edit";
    readonly deps: HttpDependencies;
  },
): Promise<Response> {
  const { running, request, body, family, deps } = options;
  const shape: ImageAnswerContext = {
    nowSeconds: () => Math.floor(deps.now() / 1000),
    request,
    background: body.background === "opaque" ? "opaque" : "auto",
  };
  if (body.stream !== true) return context.json(await collectImagesResponse(running.events, shape));
  const toEvents = createImageEventMapper(family, shape);
  return streamResponse(context, {
    running,
    toChunks: (event) =>
      // OpenAI's stream has no event for a step: a comment tells it to people and breaks no client.
      event.type === "progress"
        ? [`: image ${event.image + 1} of ${request.n}, step ${event.step} of ${event.steps}`]
        : toEvents(event).map(({ event: name, data }) => `event: ${name}\ndata: ${data}`),
    // OpenAI's image streams end with their last event; there is no `[DONE]`.
    done: undefined,
    deps,
  });
}
