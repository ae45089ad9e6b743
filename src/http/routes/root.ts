// GET / (where to find what, for somebody who opens the server in a browser) and GET /openapi.json.
import { openAiDialect } from "../../wire/openai/dialect.ts";
import type { RouteGroup } from "../route-table.ts";

export const rootRoutes: RouteGroup = {
  dialect: openAiDialect,
  register(app, { version }) {
    app.get("/", (context) =>
      context.json({
        name: "hearth",
        version,
        base_url: "/v1",
        models: "/v1/models",
        health: "/health/ready",
        openapi: "/openapi.json",
      }),
    );

    app.get("/openapi.json", async (context) => {
      const { createOpenApiDocument } = await import("../../wire/openapi.ts");
      return context.json(createOpenApiDocument({ version, serverUrl: new URL(context.req.url).origin }));
    });
  },
};
