// The HTTP application: all middleware in one visible list, then the routes.
import { Hono } from "hono";
import type { HttpDependencies, HttpEnvironment } from "./context.ts";
import { authenticate } from "./middleware/authenticate.ts";
import { errorHandler } from "./middleware/error-handler.ts";
import { guardAdmin } from "./middleware/guard-admin.ts";
import { guardOrigin } from "./middleware/guard-origin.ts";
import { requestId } from "./middleware/request-id.ts";
import { requestLifetime } from "./middleware/request-lifetime.ts";
import { unknownPath } from "./middleware/unknown-path.ts";
import { warnings } from "./middleware/warnings.ts";
import { RouteTable, type RouteGroup } from "./route-table.ts";
import { adminRoutes } from "./routes/admin.ts";
import { chatRoutes } from "./routes/chat.ts";
import { completionRoutes } from "./routes/completions.ts";
import { embeddingRoutes } from "./routes/embeddings.ts";
import { healthRoutes } from "./routes/health.ts";
import { imageRoutes } from "./routes/images.ts";
import { modelRoutes } from "./routes/models.ts";
import { rootRoutes } from "./routes/root.ts";

/** Every path of the server. */
export const serverRoutes: readonly RouteGroup[] = [
  rootRoutes,
  healthRoutes,
  modelRoutes,
  adminRoutes,
  chatRoutes,
  completionRoutes,
  embeddingRoutes,
  imageRoutes,
];

export function createHttpApp(
  deps: HttpDependencies,
  groups: readonly RouteGroup[] = serverRoutes,
): Hono<HttpEnvironment> {
  const app = new Hono<HttpEnvironment>();
  const table = new RouteTable();
  app.onError(errorHandler({ ...deps, table }));

  app.use(requestId(deps));
  app.use(requestLifetime(deps));
  app.use(guardOrigin(deps));
  app.use(authenticate({ ...deps, table }));
  app.use(guardAdmin(deps));
  app.use(warnings());

  for (const group of groups) table.register(app, { group, deps });

  app.notFound(unknownPath(table));
  return app;
}
