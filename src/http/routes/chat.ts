// POST /v1/chat/completions and POST /apply-template.
import { createChatChunkMapper } from "../../wire/openai/chat/to-chunks.ts";
import { toChatParam } from "../../wire/openai/chat/params.ts";
import { toChatRequest, usesFunctions } from "../../wire/openai/chat/to-domain.ts";
import { collectChatCompletion, type ChatAnswerContext } from "../../wire/openai/chat/to-response.ts";
import { openAiDialect } from "../../wire/openai/dialect.ts";
import { createId } from "../../wire/openai/shared/identifiers.ts";
import { toStreamOptions } from "../../wire/openai/shared/text-response.ts";
import { chatCompletionContract } from "../../wire/openai/chat/contract.ts";
import { jsonResponse, onlyEvent, readRequest, start, streamResponse } from "../endpoint.ts";
import type { RouteGroup } from "../route-table.ts";

const dialect = openAiDialect;

export const chatRoutes: RouteGroup = {
  dialect,
  register(app, deps) {
    const { inference, settings, now } = deps;

    app.post("/v1/chat/completions", async (context) => {
      const body = await readRequest(context, { contract: chatCompletionContract, settings });
      const request = toChatRequest(body);
      const running = await start(context, {
        inference,
        operation: "chat",
        body,
        request,
        toParam: (path) => toChatParam(path, body),
      });
      const answer: ChatAnswerContext = {
        id: createId("chatcmpl"),
        createdSeconds: Math.floor(now() / 1000),
        model: running.modelName,
        fingerprint: running.description.fingerprint,
        request,
        usesFunctions: usesFunctions(body),
        ...(body.service_tier === null || body.service_tier === undefined ? {} : { serviceTier: "default" }),
      };
      if (body.stream !== true) return context.json(await collectChatCompletion(running.events, answer));
      const toEvents = createChatChunkMapper(answer, toStreamOptions(body));
      return streamResponse(context, { running, toEvents, dialect, deps });
    });

    app.post("/apply-template", async (context) => {
      const body = await readRequest(context, { contract: chatCompletionContract, settings });
      const running = await start(context, {
        inference,
        operation: "apply-template",
        body,
        request: toChatRequest(body),
        toParam: (path) => toChatParam(path, body),
      });
      return jsonResponse(JSON.stringify(await onlyEvent(running)));
    });
  },
};
