// Asks for an API key where the configuration has any (RFC 6750). Health probes need none.
import { createHash, timingSafeEqual } from "node:crypto";
import { createMiddleware } from "hono/factory";
import { ServerError } from "../../domain/errors.ts";
import type { HttpDependencies, HttpEnvironment } from "../context.ts";

export const authenticate = ({ settings }: Pick<HttpDependencies, "settings">) => {
  const digests = settings.apiKeys.map(digest);
  return createMiddleware<HttpEnvironment>(async function authenticate(context, next) {
    if (digests.length === 0 || context.req.path.startsWith("/health/")) return next();
    const presented = /^Bearer +(.+)$/i.exec(context.req.header("authorization") ?? "")?.[1];
    if (presented === undefined) {
      throw new ServerError(
        "invalid_api_key",
        "You didn't provide an API key. Provide it in an Authorization header using Bearer auth (i.e. Authorization: Bearer YOUR_KEY).",
      );
    }
    const presentedDigest = digest(presented.trim());
    // Every key is compared, and digests have one length: the time taken tells nothing about a key.
    const known = digests.filter((candidate) => timingSafeEqual(candidate, presentedDigest)).length > 0;
    if (!known) throw new ServerError("invalid_api_key", "Incorrect API key provided.");
    return next();
  });
};

function digest(key: string): Buffer {
  return createHash("sha256").update(key).digest();
}
