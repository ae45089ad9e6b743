// POST /v1/completions.
import { toCompletionParam } from "../../wire/openai/completions/params.ts";
import { toCompletionRequest } from "../../wire/openai/completions/to-domain.ts";
import {
  collectCompletion,
  createCompletionChunkMapper,
  type CompletionAnswerContext,
} from "../../wire/openai/completions/to-response.ts";
import { openAiDialect } from "../../wire/openai/dialect.ts";
import { createId } from "../../wire/openai/shared/identifiers.ts";
import { toStreamOptions } from "../../wire/openai/shared/text-response.ts";
import { completionContract } from "../../wire/openai/completions/contract.ts";
import { readRequest, start, streamResponse } from "../endpoint.ts";
import type { RouteGroup } from "../route-table.ts";

const dialect = openAiDialect;

export const completionRoutes: RouteGroup = {
  dialect,
  register(app, deps) {
    const { inference, settings, now } = deps;

    app.post("/v1/completions", async (context) => {
      const body = await readRequest(context, { contract: completionContract, settings });
      const request = toCompletionRequest(body);
      const running = await start(context, {
        inference,
        operation: "completion",
        body,
        request,
        toParam: (path) => toCompletionParam(path, body),
      });
      const answer: CompletionAnswerContext = {
        id: createId("cmpl"),
        createdSeconds: Math.floor(now() / 1000),
        model: running.modelName,
        fingerprint: running.description.fingerprint,
        request,
      };
      if (body.stream !== true) return context.json(await collectCompletion(running.events, answer));
      const toEvents = createCompletionChunkMapper(answer, toStreamOptions(body));
      return streamResponse(context, { running, toEvents, dialect, deps });
    });
  },
};
