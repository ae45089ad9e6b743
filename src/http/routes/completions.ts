// POST /v1/completions.
import type { Hono } from "hono";
import { toCompletionRequest } from "../../wire/openai/completions/to-domain.ts";
import {
  collectCompletion,
  createCompletionChunkMapper,
  type CompletionAnswerContext,
} from "../../wire/openai/completions/to-response.ts";
import { createId } from "../../wire/openai/shared/identifiers.ts";
import { toStreamOptions } from "../../wire/openai/shared/text-response.ts";
import { completionContract } from "../../wire/openai/completions/contract.ts";
import type { HttpDependencies, HttpEnvironment } from "../context.ts";
import { readRequest, start, streamResponse } from "../endpoint.ts";

export function completionRoutes(app: Hono<HttpEnvironment>, deps: HttpDependencies): void {
  const { inference, settings, now } = deps;

  app.post("/v1/completions", async (context) => {
    const body = await readRequest(context, { contract: completionContract, settings });
    const request = toCompletionRequest(body);
    const running = await start(context, { inference, operation: "completion", body, request });
    const answer: CompletionAnswerContext = {
      id: createId("cmpl"),
      createdSeconds: Math.floor(now() / 1000),
      model: running.modelName,
      fingerprint: running.description.fingerprint,
      request,
    };
    if (body.stream !== true) return context.json(await collectCompletion(running.events, answer));
    const toChunks = createCompletionChunkMapper(answer, toStreamOptions(body));
    return streamResponse(context, { running, toChunks, done: "[DONE]", deps });
  });
}
