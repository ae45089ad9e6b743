// GET / and GET /openapi.json: what somebody sees who opens the base URL in a browser.
import type { Hono } from "hono";
import type { HttpDependencies, HttpEnvironment } from "../context.ts";

export function rootRoutes(app: Hono<HttpEnvironment>, { version }: HttpDependencies): void {
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
}
