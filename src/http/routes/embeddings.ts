// POST /v1/embeddings and POST /v1/rerank.
import { openAiDialect } from "../../wire/openai/dialect.ts";
import { embeddingResponseParts, toEmbeddingRequest } from "../../wire/openai/embeddings/map.ts";
import { toEmbeddingParam } from "../../wire/openai/embeddings/params.ts";
import { createId } from "../../wire/openai/shared/identifiers.ts";
import { toRerankParam, toRerankRequest, toRerankResponse } from "../../wire/rerank/map.ts";
import { embeddingContract } from "../../wire/openai/embeddings/contract.ts";
import { rerankContract } from "../../wire/rerank/contract.ts";
import { jsonResponse, onlyEvent, readRequest, start } from "../endpoint.ts";
import type { RouteGroup } from "../route-table.ts";

export const embeddingRoutes: RouteGroup = {
  dialect: openAiDialect,
  register(app, { inference, settings }) {
    app.post("/v1/embeddings", async (context) => {
      const body = await readRequest(context, { contract: embeddingContract, settings });
      const running = await start(context, {
        inference,
        operation: "embedding",
        body,
        request: toEmbeddingRequest(body),
        toParam: (path) => toEmbeddingParam(path, body),
      });
      const result = await onlyEvent(running);
      const encoding = body.encoding_format ?? "float";
      return jsonResponse(await joinParts(embeddingResponseParts(result, { model: running.modelName, encoding })));
    });

    app.post("/v1/rerank", async (context) => {
      const body = await readRequest(context, { contract: rerankContract, settings });
      const running = await start(context, {
        inference,
        operation: "rerank",
        body,
        request: toRerankRequest(body),
        toParam: toRerankParam,
      });
      const result = await onlyEvent(running);
      return context.json(
        toRerankResponse(result, { id: createId("rerank"), model: running.modelName, request: body }),
      );
    });
  },
};

/** Joins the pieces of a large answer; the event loop handles other requests between two of them. */
async function joinParts(parts: Iterable<string>): Promise<string> {
  let text = "";
  for (const part of parts) {
    if (text !== "") await new Promise((resolve) => setImmediate(resolve));
    text += part;
  }
  return text;
}
