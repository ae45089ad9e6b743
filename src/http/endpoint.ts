// The steps that all inference endpoints share around their own mappers: reading and validating the body, starting the operation, and
// answering with JSON or with a stream.
import type { Context } from "hono";
import type { Operation, Operations } from "../domain/backend.ts";
import { parseRequest } from "../wire/contract/parse-request.ts";
import { withDialectFields, withDialectParam } from "../wire/contract/param-names.ts";
import type { Dialect } from "../wire/dialect.ts";
import type { SseEvent } from "../wire/sse-event.ts";
import type { RequestContract } from "../wire/contract/contract.ts";
import { ttlToMs } from "../wire/contract/time-to-live.ts";
import type { RunningOperation } from "../services/inference.ts";
import type { HttpDependencies, HttpEnvironment } from "./context.ts";
import { toServerError } from "./error-response.ts";
import { mapEvents, observed } from "./stream/event-iterators.ts";
import type { RequestLifetime } from "./request-lifetime.ts";
import { readJsonBody } from "./request-body.ts";
import { sseResponse } from "./stream/sse-response.ts";

export type HttpContext = Context<HttpEnvironment>;

/** Fields that the requests of all inference endpoints share. */
interface SharedFields {
  readonly model?: string | null | undefined;
  readonly ttl?: number | string | null | undefined;
  readonly stream?: boolean | null | undefined;
}

/** Reads and validates the body. Throws `ServerError`. */
export async function readRequest<T extends SharedFields>(
  context: HttpContext,
  { contract, settings }: { contract: RequestContract<T>; settings: HttpDependencies["settings"] },
): Promise<T> {
  const body = parseRequest(contract, await readJsonBody(context.req.raw, settings.bodyLimitBytes));
  context.set("modelName", body.model ?? undefined);
  return body;
}

/**
 * Starts the operation for a validated request; resolves once its first event has come. Errors, here and among the events, name fields
 * as the caller does, and the phases' times are kept for the access log, warnings for the answer's header.
 */
export async function start<O extends Operation>(
  context: HttpContext,
  options: {
    readonly inference: HttpDependencies["inference"];
    readonly operation: O;
    readonly body: SharedFields;
    readonly request: Operations[O]["request"];
    /** The caller's name for a path in the domain's request. */
    readonly toParam: (path: string) => string;
  },
): Promise<RunningOperation<O>> {
  const { inference, operation, body, request, toParam } = options;
  const lifetime = context.get("lifetime");
  const fail = (thrown: unknown): never => {
    throw withDialectParam(thrown, toParam);
  };
  const running = await inference
    .start(operation, {
      modelName: body.model ?? undefined,
      request,
      signal: lifetime.signal,
      isStreamed: body.stream === true,
      ttlMs: body.ttl === null || body.ttl === undefined ? undefined : ttlToMs(body.ttl),
    })
    .catch(fail);
  const { first } = running;
  if (first !== undefined && "warnings" in first && first.warnings !== undefined) {
    context.set(
      "warnings",
      first.warnings.map((warning) => withDialectFields(warning, toParam)),
    );
  }
  return { ...running, events: observed(running.events, { onEvent: (event) => noteTimings(lifetime, event), fail }) };
}

/** Only the last event of an operation carries timings. */
function noteTimings(lifetime: RequestLifetime, event: Operations[Operation]["event"]): void {
  if ("timings" in event) lifetime.recordTimings({ ...event.timings });
}

/** The event of an operation that yields exactly one. */
export async function onlyEvent<O extends Operation>(running: RunningOperation<O>): Promise<Operations[O]["event"]> {
  let only: { readonly event: Operations[O]["event"] } | undefined;
  // The events are read to their end, because only then has the lease been released.
  for await (const event of running.events) only ??= { event };
  if (only === undefined) throw new Error("an operation ended without an event");
  return only.event;
}

/** Streams the events that `toEvents` makes of each; those that end the stream, after success or failure, are the dialect's. */
export function streamResponse<O extends Operation>(
  context: HttpContext,
  options: {
    readonly running: RunningOperation<O>;
    readonly toEvents: (event: Operations[O]["event"]) => Iterable<SseEvent>;
    readonly dialect: Dialect;
    readonly deps: Pick<HttpDependencies, "settings" | "log">;
  },
): Response {
  const { running, toEvents, dialect, deps } = options;
  const lifetime = context.get("lifetime");
  const requestId = context.get("requestId");
  lifetime.defer();
  return sseResponse({
    events: mapEvents(running.events, { toEvents, streamEnd: dialect.streamEnd }),
    pingMs: deps.settings.ssePingMs,
    onLeave: () => lifetime.leave(),
    onEnd: () => lifetime.end(),
    onError: (thrown) => {
      const error = toServerError(thrown, requestId);
      if (error.kind === "internal") deps.log.error({ requestId, err: thrown }, "internal error in a stream");
      return dialect.streamError(error);
    },
  });
}

/** A JSON answer from text that is already serialised. */
export function jsonResponse(text: string): Response {
  return new Response(text, { headers: { "content-type": "application/json" } });
}
