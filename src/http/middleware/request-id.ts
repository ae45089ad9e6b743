// Gives every request an id, the caller's own where it sent a sane one, and every answer the header `x-request-id`.
import { createMiddleware } from "hono/factory";
import type { HttpDependencies, HttpEnvironment } from "../context.ts";

/** What a caller's own id may look like: anything else would let it write into our log lines. */
const sane = /^[\w.:-]{1,128}$/;

export const requestId = ({ createId }: Pick<HttpDependencies, "createId">) =>
  createMiddleware<HttpEnvironment>(async function requestId(context, next) {
    const offered = context.req.header("x-request-id");
    const id = offered !== undefined && sane.test(offered) ? offered : `req_${createId()}`;
    context.set("requestId", id);
    await next();
    context.res.headers.set("x-request-id", id);
  });
