// Turns anything that was thrown into an answer in the dialect of the path, and logs the server's own faults with their cause.
import type { ErrorHandler } from "hono";
import type { HttpDependencies, HttpEnvironment } from "../context.ts";
import { errorResponse, toServerError } from "../error-response.ts";
import type { RouteTable } from "../route-table.ts";

export const errorHandler =
  ({
    log,
    table,
  }: Pick<HttpDependencies, "log"> & {
    readonly table: Pick<RouteTable, "dialectOf">;
  }): ErrorHandler<HttpEnvironment> =>
  (thrown, context) => {
    const requestId = context.get("requestId") ?? "unknown";
    const error = toServerError(thrown, requestId);
    if (error.kind === "internal") log.error({ requestId, err: thrown }, "internal error");
    const headers: Record<string, string> = error.kind === "invalid_api_key" ? { "www-authenticate": "Bearer" } : {};
    return errorResponse(error, { dialect: table.dialectOf(context.req.path), headers });
  };
