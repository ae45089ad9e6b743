// Reads request bodies: the media type, the size limit and the syntax are checked here, once for all endpoints.
import { ServerError } from "../domain/errors.ts";
import { parseJson } from "../util/written-order.ts";

/** The JSON value of the body. Throws `unsupported_media_type`, `body_too_large` or `invalid_json`. */
export async function readJsonBody(request: Request, limitBytes: number): Promise<unknown> {
  const mediaType = mediaTypeOf(request);
  if (mediaType !== "application/json" && !mediaType.endsWith("+json")) {
    throw new ServerError(
      "unsupported_media_type",
      `Unsupported content type: '${mediaType}'. This endpoint accepts 'application/json': add the header 'Content-Type: application/json'.`,
    );
  }
  refuseEncoding(request);
  const text = new TextDecoder().decode(await readBytes(request, limitBytes));
  if (text.trim() === "") throw new ServerError("invalid_json", "The request has no body. A JSON object was expected.");
  let value: unknown;
  try {
    value = parseJson(text);
  } catch (error) {
    const reason = error instanceof Error ? error.message : "";
    throw new ServerError("invalid_json", `We could not parse the JSON body of your request: ${reason}`, {
      cause: error,
    });
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new ServerError("invalid_type", "Invalid body: expected a JSON object.");
  }
  return value;
}

/** True for a multipart form; anything else is to be read as JSON, or refused as neither. */
export function isFormRequest(request: Request): boolean {
  return mediaTypeOf(request) === "multipart/form-data";
}

/** The fields and files of a multipart form. Throws `unsupported_media_type`, `body_too_large` or `invalid_request`. */
export async function readFormBody(request: Request, limitBytes: number): Promise<FormData> {
  const mediaType = mediaTypeOf(request);
  if (mediaType !== "multipart/form-data") {
    throw new ServerError(
      "unsupported_media_type",
      `Unsupported content type: '${mediaType}'. This endpoint accepts 'multipart/form-data'.`,
    );
  }
  refuseEncoding(request);
  const bytes = await readBytes(request, limitBytes);
  try {
    return await new Response(bytes, {
      headers: { "content-type": request.headers.get("content-type") ?? "" },
    }).formData();
  } catch (error) {
    throw new ServerError("invalid_request", "The multipart form in the request's body could not be parsed.", {
      cause: error,
    });
  }
}

/** Refuses a compressed body. It is not unpacked, because the size limit would then hold for the wrong bytes. */
function refuseEncoding(request: Request): void {
  const encoding = (request.headers.get("content-encoding") ?? "identity").trim().toLowerCase();
  if (encoding === "identity" || encoding === "") return;
  throw new ServerError(
    "unsupported_media_type",
    `Unsupported content encoding: '${encoding.slice(0, 40)}'. Send the body uncompressed.`,
  );
}

function mediaTypeOf(request: Request): string {
  // A body without the header is read as JSON.
  const header = request.headers.get("content-type") ?? "application/json";
  return (header.split(";")[0] as string).trim().toLowerCase();
}

async function readBytes(request: Request, limitBytes: number): Promise<Uint8Array<ArrayBuffer>> {
  const declared = request.headers.get("content-length");
  if (declared !== null) {
    if (Number(declared) > limitBytes) throw tooLarge(limitBytes);
    // Node's parser reads no more than the declared length, so it need not be counted again.
    return new Uint8Array(await request.arrayBuffer().catch(brokenOff));
  }
  const parts: Uint8Array[] = [];
  let length = 0;
  if (request.body !== null) {
    for await (const part of request.body as unknown as AsyncIterable<Uint8Array>) {
      length += part.byteLength;
      if (length > limitBytes) throw tooLarge(limitBytes);
      parts.push(part);
    }
  }
  const bytes = new Uint8Array(length);
  let offset = 0;
  for (const part of parts) {
    bytes.set(part, offset);
    offset += part.byteLength;
  }
  return bytes;
}

/** Reading fails only when the connection does. */
function brokenOff(error: unknown): never {
  throw new ServerError("cancelled", "The connection was closed before the request's body was complete.", {
    cause: error,
  });
}

function tooLarge(limitBytes: number): ServerError {
  return new ServerError(
    "body_too_large",
    `The request's body is larger than ${limitBytes} bytes, the limit of this server ('server.body_limit').`,
  );
}
