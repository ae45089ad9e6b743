// Makes the lifetime of each request and ends it with the answer, unless a stream will. Refuses requests beyond the limit of concurrent
// ones, and writes the access log, with the time of each phase where a model worked.
import { createMiddleware } from "hono/factory";
import { ServerError } from "../../domain/errors.ts";
import type { HttpDependencies, HttpEnvironment } from "../context.ts";
import { RequestLifetime } from "../request-lifetime.ts";

export const requestLifetime = ({ settings, log, now }: Pick<HttpDependencies, "settings" | "log" | "now">) => {
  const limit = settings.maxConcurrentRequests === 0 ? Infinity : settings.maxConcurrentRequests;
  let active = 0;
  return createMiddleware<HttpEnvironment>(async function requestLifetime(context, next) {
    const startedMs = now();
    const lifetime = new RequestLifetime({
      connection: () => context.req.raw.signal,
      timeoutMs: settings.requestTimeoutMs,
    });
    context.set("lifetime", lifetime);
    active += 1;
    lifetime.onEnd(() => {
      active -= 1;
      log.info(
        {
          requestId: context.get("requestId"),
          method: context.req.method,
          path: context.req.path,
          status: context.res.status,
          model: context.get("modelName"),
          durationMs: now() - startedMs,
          ...rounded(lifetime.timings),
          ...(lifetime.isAborted ? { aborted: true } : {}),
        },
        "request",
      );
    });
    try {
      if (active > limit && !isProbe(context.req.path)) {
        throw new ServerError("overloaded", {
          message: `The server is busy with ${limit} requests, its limit. Please retry.`,
          retryAfterSeconds: 1,
        });
      }
      await next();
      // The time until the headers are sent, which for a stream is the time to its first event, as at OpenAI.
      context.res.headers.set("openai-processing-ms", String(Math.round(now() - startedMs)));
    } finally {
      if (!lifetime.deferred) lifetime.end();
    }
  });
};

/** To a tenth of a millisecond. */
function rounded(timings: Readonly<Record<string, number>>): Record<string, number> {
  return Object.fromEntries(Object.entries(timings).map(([phase, ms]) => [phase, Math.round(ms * 10) / 10]));
}

/** A health probe must be answered above all when the server is busy. */
function isProbe(path: string): boolean {
  return path.startsWith("/health/");
}
