// Tells callers in the header `x-hearth-warnings` what of their request is not held although it was accepted.
import { createMiddleware } from "hono/factory";
import type { HttpEnvironment } from "../context.ts";

/** Clients and proxies bound the size of all headers together, to 8 KiB at the least. */
const maximumLength = 4096;

export const warnings = () =>
  createMiddleware<HttpEnvironment>(async function warnings(context, next) {
    await next();
    const told = context.get("warnings");
    if (told !== undefined && told.length > 0) context.res.headers.set("x-hearth-warnings", toHeader(told));
  });

/** A JSON array in ASCII, the last sentences of which are counted rather than told where it would be too long. */
export function toHeader(sentences: readonly string[]): string {
  for (let count = sentences.length; count > 0; count -= 1) {
    const left = sentences.length - count;
    const text = toAscii(JSON.stringify([...sentences.slice(0, count), ...(left > 0 ? [`${left} more.`] : [])]));
    if (text.length <= maximumLength) return text;
  }
  return JSON.stringify([`${sentences.length} more.`]);
}

function toAscii(json: string): string {
  return json.replaceAll(/[^\x20-\x7e]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`);
}
