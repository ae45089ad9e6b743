// POST /v1/images/generations and POST /v1/images/edits.
import type { ImageRequest } from "../../domain/image.ts";
import { openAiImageDialect } from "../../wire/openai/dialect.ts";
import { toImageParam } from "../../wire/openai/images/params.ts";
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
import type { HttpDependencies } from "../context.ts";
import { readRequest, start, streamResponse, type HttpContext } from "../endpoint.ts";
import { isFormRequest, readFormBody } from "../request-body.ts";
import type { RouteGroup } from "../route-table.ts";

const dialect = openAiImageDialect;

export const imageRoutes: RouteGroup = {
  dialect,
  register(app, deps) {
    const { inference, settings } = deps;

    app.post("/v1/images/generations", async (context) => {
      const body = await readRequest(context, { contract: imageContract, settings });
      const request = toImageRequest(body);
      const running = await start(context, { inference, operation: "image", body, request, toParam: toImageParam });
      return answer(context, { running, request, body, family: "image_generation", deps });
    });

    app.post("/v1/images/edits", async (context) => {
      const body = isFormRequest(context.req.raw)
        ? parseRequest(imageEditContract, formToBody(await readFormEntries(context, settings.bodyLimitBytes)))
        : await readRequest(context, { contract: imageEditContract, settings });
      context.set("modelName", body.model ?? undefined);
      const request = toImageEditRequest(body);
      const running = await start(context, {
        inference,
        operation: "image-edit",
        body,
        request,
        toParam: toImageParam,
      });
      return answer(context, { running, request, body, family: "image_edit", deps });
    });
  },
};

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
  return streamResponse(context, { running, toEvents, dialect, deps });
}
