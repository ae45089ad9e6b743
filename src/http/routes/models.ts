// GET /v1/models and GET /v1/models/{id}, whose ids may contain slashes.
import { toModel, toModelList } from "../../wire/openai/models/map.ts";
import { openAiDialect } from "../../wire/openai/dialect.ts";
import type { RouteGroup } from "../route-table.ts";

export const modelRoutes: RouteGroup = {
  dialect: openAiDialect,
  register(app, { models }) {
    app.get("/v1/models", (context) => context.json(toModelList(models.list())));

    app.get("/v1/models/:id{.+}", (context) => context.json(toModel(models.get(context.req.param("id")))));
  },
};
