// Gives every request an id, the caller's own where that is well-formed, and every answer the header `x-request-id`.
import { createMiddleware } from "hono/factory";
import type { HttpDependencies, HttpEnvironment } from "../context.ts";

/** The form of a caller's own id. Any other could put line breaks and control characters into the log. */
const wellFormed = /^[\w.:-]{1,128}$/;

export const requestId = ({ createId }: Pick<HttpDependencies, "createId">) =>
  createMiddleware<HttpEnvironment>(async function requestId(context, next) {
    const offered = context.req.header("x-request-id");
    const id = offered !== undefined && wellFormed.test(offered) ? offered : `req_${createId()}`;
    context.set("requestId", id);
    await next();
    context.res.headers.set("x-request-id", id);
  });
