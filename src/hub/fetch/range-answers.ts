// Reads answers that carry a part of a content, or a compressed one.
import { Readable } from "node:stream";
import { createBrotliDecompress, createGunzip, createInflate } from "node:zlib";
import type { HttpResponse } from "../http/http-client.ts";

/** What `Content-Range` says; `undefined` where it says nothing that can be read. `total` is `null` where it is `*`. */
export function rangeOf(response: HttpResponse): { readonly start: number; readonly total: number | null } | undefined {
  const match = /^bytes (\d+)-\d+\/(\d+|\*)$/.exec(response.header("content-range") ?? "");
  return match === null ? undefined : { start: Number(match[1]), total: match[2] === "*" ? null : Number(match[2]) };
}

/** True where the bytes on the wire are not those of the content, so that positions mean nothing. */
export function isEncoded(response: HttpResponse): boolean {
  const encoding = encodingOf(response);
  return encoding !== "" && encoding !== "identity";
}

/** The content behind a compressed body: small files come so from some servers although nobody asked. */
export function decodedBody(response: HttpResponse): AsyncIterable<Uint8Array> {
  const decoder = decoderOf(encodingOf(response));
  if (decoder === undefined) return response.body;
  const raw = Readable.from(response.body, { objectMode: false });
  raw.on("error", (error) => decoder.destroy(error));
  return raw.pipe(decoder);
}

function encodingOf(response: HttpResponse): string {
  return (response.header("content-encoding") ?? "").trim().toLowerCase();
}

function decoderOf(encoding: string) {
  switch (encoding) {
    case "gzip":
    case "x-gzip":
      return createGunzip();
    case "deflate":
      return createInflate();
    case "br":
      return createBrotliDecompress();
    default:
      return undefined;
  }
}
