// Requires an API key where the configuration has any (RFC 6750). The probes `/health/live` and `/health/ready` need none; `/health`, an
// alias of the latter, needs one.
import { createHash, timingSafeEqual } from "node:crypto";
import { createMiddleware } from "hono/factory";
import { ServerError } from "../../domain/errors.ts";
import type { HttpDependencies, HttpEnvironment } from "../context.ts";
import type { RouteTable } from "../route-table.ts";

export const authenticate = ({
  settings,
  table,
}: Pick<HttpDependencies, "settings"> & { readonly table: Pick<RouteTable, "dialectOf"> }) => {
  const digests = settings.apiKeys.map(digest);
  return createMiddleware<HttpEnvironment>(async function authenticate(context, next) {
    if (digests.length === 0 || context.req.path.startsWith("/health/")) return next();
    const { apiKeyHeader } = table.dialectOf(context.req.path);
    const bearer = /^Bearer +(.+)$/i.exec(context.req.header("authorization") ?? "")?.[1];
    const presented = bearer ?? (apiKeyHeader === undefined ? undefined : context.req.header(apiKeyHeader));
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
