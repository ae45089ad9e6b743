// Keeps strangers from the administration. Where a key is configured, `authenticate` has asked for it already; where none is, only
// programs of this machine may administer it, however wide the server listens.
import { getConnInfo } from "@hono/node-server/conninfo";
import type { Context } from "hono";
import { createMiddleware } from "hono/factory";
import { isIPv4 } from "node:net";
import { ServerError } from "../../domain/errors.ts";
import type { HttpDependencies, HttpEnvironment } from "../context.ts";

export const guardAdmin = ({ settings }: Pick<HttpDependencies, "settings">) =>
  createMiddleware<HttpEnvironment>(async function guardAdmin(context, next) {
    const isAdministration = context.req.path === "/admin" || context.req.path.startsWith("/admin/");
    if (!isAdministration || settings.apiKeys.length > 0 || isLoopback(remoteAddress(context))) return next();
    throw new ServerError(
      "forbidden",
      "This server asks for no API key, so only programs of its own machine may administer it. Configure 'server.api_keys' to change that.",
    );
  });

/** `undefined` where the request has not come through a socket. */
function remoteAddress(context: Context<HttpEnvironment>): string | undefined {
  try {
    return getConnInfo(context).remote.address;
  } catch {
    return undefined;
  }
}

function isLoopback(address: string | undefined): boolean {
  if (address === undefined) return false;
  const plain = address.replace(/^::ffff:/i, "");
  return address === "::1" || (isIPv4(plain) && plain.startsWith("127."));
}
