// Answers requests that no route takes: 405 with `allow` for a known path with another method, 204 for its OPTIONS, else 404.
import type { NotFoundHandler } from "hono";
import { ServerError } from "../../domain/errors.ts";
import type { HttpEnvironment } from "../context.ts";
import { errorResponse } from "../error-response.ts";
import type { RouteTable } from "../route-table.ts";

export function unknownPath(table: RouteTable): NotFoundHandler<HttpEnvironment> {
  return (context) => {
    const { method, path } = context.req;
    const dialect = table.dialectOf(path);
    const methods = table.methodsOf(path);
    if (methods.size === 0) {
      return errorResponse(
        new ServerError("unknown_path", `Unknown request URL: ${method} ${path}. Please check the URL for typos.`),
        { dialect },
      );
    }
    if (methods.has("GET")) methods.add("HEAD");
    methods.add("OPTIONS");
    const allow = [...methods].sort().join(", ");
    if (method === "OPTIONS") return new Response(null, { status: 204, headers: { allow } });
    return errorResponse(
      new ServerError("method_not_allowed", `Not allowed to ${method} on ${path}. The path takes ${allow}.`),
      { dialect, headers: { allow } },
    );
  };
}
