// What every inference endpoint does around its own words: read and validate the body, start the operation, and answer with
// JSON or with a stream.
import type { Context } from "hono";
import type { Operation, Operations } from "../domain/backend.ts";
import { parseRequest } from "../wire/contract/parse-request.ts";
import { toErrorResponse } from "../wire/openai/shared/error.ts";
import type { RequestContract } from "../wire/contract/contract.ts";
import { ttlToMs } from "../wire/openai/shared/generation.ts";
import type { RunningOperation } from "../services/inference.ts";
import type { HttpDependencies, HttpEnvironment } from "./context.ts";
import { toServerError } from "./error-response.ts";
import { readJsonBody } from "./request-body.ts";
import { sseResponse } from "./sse-response.ts";

export type HttpContext = Context<HttpEnvironment>;

/** Fields that the requests of all inference endpoints share. */
interface SharedFields {
  readonly model?: string | null | undefined;
  readonly ttl?: number | string | null | undefined;
}

/** The validated body. Throws `ServerError`. */
export async function readRequest<T extends SharedFields>(
  context: HttpContext,
  { contract, settings }: { contract: RequestContract<T>; settings: HttpDependencies["settings"] },
): Promise<T> {
  const body = parseRequest(contract, await readJsonBody(context.req.raw, settings.bodyLimitBytes));
  context.set("modelName", body.model ?? undefined);
  return body;
}

/** Starts the operation for a validated request; resolves with its first event. */
export function start<O extends Operation>(
  context: HttpContext,
  options: {
    readonly inference: HttpDependencies["inference"];
    readonly operation: O;
    readonly body: SharedFields;
    readonly request: Operations[O]["request"];
  },
): Promise<RunningOperation<O>> {
  const { inference, operation, body, request } = options;
  return inference.start(operation, {
    modelName: body.model ?? undefined,
    request,
    signal: context.get("lifetime").signal,
    ttlMs: body.ttl === null || body.ttl === undefined ? undefined : ttlToMs(body.ttl),
  });
}

/** The one event of an operation that yields one. */
export async function onlyEvent<O extends Operation>(running: RunningOperation<O>): Promise<Operations[O]["event"]> {
  let only: { readonly event: Operations[O]["event"] } | undefined;
  // Read to its end: only then has the lease been given back.
  for await (const event of running.events) only ??= { event };
  if (only === undefined) throw new Error("an operation ended without an event");
  return only.event;
}

/** Streams what `toChunks` makes of each event; `done` is sent after the last one. */
export function streamResponse<O extends Operation>(
  context: HttpContext,
  options: {
    readonly running: RunningOperation<O>;
    readonly toChunks: (event: Operations[O]["event"]) => Iterable<string>;
    readonly done: string | undefined;
    readonly deps: Pick<HttpDependencies, "settings" | "log">;
  },
): Response {
  const { running, toChunks, done, deps } = options;
  const lifetime = context.get("lifetime");
  const requestId = context.get("requestId");
  lifetime.defer();
  async function* chunks(): AsyncGenerator<string, void, undefined> {
    for await (const event of running.events) yield* toChunks(event);
    if (done !== undefined) yield done;
  }
  return sseResponse({
    chunks: chunks(),
    pingMs: deps.settings.ssePingMs,
    onLeave: () => lifetime.leave(),
    onEnd: () => lifetime.end(),
    onError: (thrown) => {
      const error = toServerError(thrown, requestId);
      if (error.kind === "internal") deps.log.error({ requestId, err: thrown }, "internal error in a stream");
      return JSON.stringify(toErrorResponse(error));
    },
  });
}

/** A JSON answer from text that is already serialised. */
export function jsonResponse(text: string): Response {
  return new Response(text, { headers: { "content-type": "application/json" } });
}
