// The HTTP application: all middleware in one visible list, then the routes.
import { Hono } from "hono";
import type { HttpDependencies, HttpEnvironment } from "./context.ts";
import { authenticate } from "./middleware/authenticate.ts";
import { errorHandler } from "./middleware/error-handler.ts";
import { guardOrigin } from "./middleware/guard-origin.ts";
import { requestId } from "./middleware/request-id.ts";
import { requestLifetime } from "./middleware/request-lifetime.ts";
import { unknownPath } from "./middleware/unknown-path.ts";
import { chatRoutes } from "./routes/chat.ts";
import { completionRoutes } from "./routes/completions.ts";
import { embeddingRoutes } from "./routes/embeddings.ts";
import { healthRoutes } from "./routes/health.ts";
import { imageRoutes } from "./routes/images.ts";
import { modelRoutes } from "./routes/models.ts";
import { rootRoutes } from "./routes/root.ts";

export function createHttpApp(deps: HttpDependencies): Hono<HttpEnvironment> {
  const app = new Hono<HttpEnvironment>();
  app.onError(errorHandler(deps));

  app.use(requestId(deps));
  app.use(requestLifetime(deps));
  app.use(guardOrigin(deps));
  app.use(authenticate(deps));

  rootRoutes(app, deps);
  healthRoutes(app, deps);
  modelRoutes(app, deps);
  chatRoutes(app, deps);
  completionRoutes(app, deps);
  embeddingRoutes(app, deps);
  imageRoutes(app, deps);

  app.notFound(unknownPath(app));
  return app;
}
