// Answers requests that no route takes: a known path with another method is 405 with `allow`, anything else 404.
import type { Hono, NotFoundHandler } from "hono";
import { ServerError } from "../../domain/errors.ts";
import type { HttpEnvironment } from "../context.ts";
import { errorResponse } from "../error-response.ts";

/** Created once all routes are in `app`. */
export function unknownPath(app: Hono<HttpEnvironment>): NotFoundHandler<HttpEnvironment> {
  const routes = app.routes
    .filter(({ method }) => method !== "ALL")
    .map(({ method, path }) => ({ method, pattern: toPattern(path) }));
  return (context) => {
    const { method, path } = context.req;
    const methods = new Set(routes.filter(({ pattern }) => pattern.test(path)).map((route) => route.method));
    if (methods.size === 0) {
      return errorResponse(
        new ServerError("unknown_path", `Unknown request URL: ${method} ${path}. Please check the URL for typos.`),
      );
    }
    if (methods.has("GET")) methods.add("HEAD");
    methods.add("OPTIONS");
    const allow = [...methods].sort().join(", ");
    if (method === "OPTIONS") return new Response(null, { status: 204, headers: { allow } });
    return errorResponse(
      new ServerError("method_not_allowed", `Not allowed to ${method} on ${path}. The path takes ${allow}.`),
      { allow },
    );
  };
}

/** The paths a route takes, with Hono's two kinds of parameter: `:name` and `:name{pattern}`. */
function toPattern(path: string): RegExp {
  const source = path
    .replaceAll(/[.*+?^$()|[\]\\]/g, "\\$&")
    .replaceAll(/:\w+(?:\{[^}]*\})?/g, (parameter) => (parameter.includes("{") ? ".+" : "[^/]+"));
  return new RegExp(`^${source}$`);
}
