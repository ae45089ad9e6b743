// Keeps web pages that the user did not mean to call from a server on the user's own machine. Against DNS rebinding, the Host header must
// name this server; any IP address passes, because rebinding needs a name. A page may call only from an allowed origin or from one that
// this machine serves (Fetch standard, CORS protocol).
import { isIP } from "node:net";
import { createMiddleware } from "hono/factory";
import { ServerError } from "../../domain/errors.ts";
import type { HttpDependencies, HttpEnvironment } from "../context.ts";

const exposedHeaders = "x-request-id, openai-processing-ms, retry-after, x-hearth-warnings";

export const guardOrigin = ({ settings }: Pick<HttpDependencies, "settings">) => {
  const anyHost = settings.allowedHosts.includes("*");
  const hosts = new Set(settings.allowedHosts.map((host) => host.toLowerCase()));
  const anyOrigin = settings.allowedOrigins.includes("*");
  const origins = new Set(settings.allowedOrigins.map((origin) => origin.toLowerCase()));

  return createMiddleware<HttpEnvironment>(async function guardOrigin(context, next) {
    const host = context.req.header("host");
    if (!anyHost && host !== undefined && !isIP(hostName(host)) && !hosts.has(hostName(host))) {
      throw new ServerError(
        "forbidden",
        `This server does not answer to the host '${host}'. Add it to 'server.allowed_hosts' if it should.`,
      );
    }
    const origin = context.req.header("origin");
    if (origin === undefined) return next();
    if (!anyOrigin && !origins.has(origin.toLowerCase()) && !isLoopbackOrigin(origin)) {
      throw new ServerError(
        "forbidden",
        `Pages of the origin '${origin}' may not call this server. Add it to 'server.allowed_origins' if they should.`,
      );
    }
    const isPreflight =
      context.req.method === "OPTIONS" && context.req.header("access-control-request-method") !== undefined;
    if (isPreflight) {
      context.res = new Response(null, {
        status: 204,
        headers: {
          "access-control-allow-methods": "GET, POST, OPTIONS",
          "access-control-allow-headers": context.req.header("access-control-request-headers") ?? "*",
          "access-control-max-age": "600",
        },
      });
    } else {
      await next();
    }
    const { headers } = context.res;
    headers.set("access-control-allow-origin", origin);
    headers.set("access-control-expose-headers", exposedHeaders);
    headers.append("vary", "origin");
    return undefined;
  });
};

/** The name in a Host header, without the port and in lower case; `[::1]:8484` is `::1`. */
function hostName(host: string): string {
  const bracketed = /^\[([^\]]*)\]/.exec(host);
  return (bracketed?.[1] ?? host.replace(/:\d+$/, "")).toLowerCase();
}

/** True for pages that the user's own machine serves: they are trusted like any other local program. */
function isLoopbackOrigin(origin: string): boolean {
  return URL.canParse(origin) && ["localhost", "127.0.0.1", "[::1]"].includes(new URL(origin).hostname);
}
