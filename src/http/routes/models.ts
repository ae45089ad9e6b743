// GET /v1/models and GET /v1/models/{id}, whose ids may contain slashes.
import type { Hono } from "hono";
import { toModel, toModelList } from "../../wire/openai/models/map.ts";
import type { HttpDependencies, HttpEnvironment } from "../context.ts";

export function modelRoutes(app: Hono<HttpEnvironment>, { models }: HttpDependencies): void {
  app.get("/v1/models", (context) => context.json(toModelList(models.list())));

  app.get("/v1/models/:id{.+}", (context) => context.json(toModel(models.get(context.req.param("id")))));
}
