// The HTTP server around the application: its socket, and the answers to requests that do not reach the application. Their path cannot
// be read, so they are answered in the fallback dialect.
import { randomUUID } from "node:crypto";
import { createServer, type Server } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { getRequestListener, RequestError } from "@hono/node-server";
import type { Hono } from "hono";
import { ServerError } from "../domain/errors.ts";
import { maxTimerMs } from "../util/timers.ts";
import type { HttpEnvironment } from "./context.ts";
import { errorResponse, toServerError } from "./error-response.ts";
import { fallbackDialect } from "./route-table.ts";

export interface ListenOptions {
  readonly app: Hono<HttpEnvironment>;
  readonly host: string;
  /** 0 = a free port. */
  readonly port: number;
  /** 0 = no limit. */
  readonly maxConnections: number;
}

/** Idle connections are kept longer than common clients keep them: otherwise a client may send into one that is just being closed. */
const keepAliveTimeoutMs = 120_000;

/** Resolves when the server listens; rejects with Node's error (`EADDRINUSE`, `EACCES`, ...). */
export async function listen({
  app,
  host,
  port,
  maxConnections,
}: ListenOptions): Promise<{ server: Server; port: number }> {
  const listener = getRequestListener(app.fetch, {
    // For requests of HTTP/1.0 without a Host header, such as health probes send.
    hostname: "localhost",
    errorHandler: answerRequestError,
  });
  const server = createServer({ keepAliveTimeout: keepAliveTimeoutMs, noDelay: true }, (incoming, outgoing) => {
    void listener(incoming, outgoing);
  });
  if (maxConnections > 0) server.maxConnections = maxConnections;
  server.on("clientError", answerClientError);
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, host, () => {
      server.removeListener("error", reject);
      resolve();
    });
  });
  return { server, port: (server.address() as AddressInfo).port };
}

/** Takes no new requests, waits for those in flight, and after `timeoutMs` closes what is left. */
export async function closeServer(server: Server, timeoutMs: number): Promise<void> {
  await new Promise<void>((resolve) => {
    const timer = setTimeout(() => server.closeAllConnections(), Math.min(timeoutMs, maxTimerMs));
    server.close(() => {
      clearTimeout(timer);
      resolve();
    });
    server.closeIdleConnections();
  });
}

/** Answers a request that the adapter cannot read, such as one whose Host header is no host. */
function answerRequestError(error: unknown): Response {
  const requestId = createRequestId();
  const refusal =
    error instanceof RequestError
      ? new ServerError("invalid_request", `The request is no valid HTTP (${error.message}).`)
      : toServerError(error, requestId);
  return errorResponse(refusal, { dialect: fallbackDialect, headers: { "x-request-id": requestId } });
}

function createRequestId(): string {
  return `req_${randomUUID().replaceAll("-", "")}`;
}

/** Answers input that Node's parser refuses, and closes the connection. */
function answerClientError(error: NodeJS.ErrnoException, socket: Socket): void {
  if (!socket.writable || error.code === "ECONNRESET") {
    socket.destroy();
    return;
  }
  const tooLarge = error.code === "HPE_HEADER_OVERFLOW";
  const timedOut = error.code === "ERR_HTTP_REQUEST_TIMEOUT";
  const status = tooLarge
    ? "431 Request Header Fields Too Large"
    : timedOut
      ? "408 Request Timeout"
      : "400 Bad Request";
  const body = JSON.stringify(
    fallbackDialect.errorBody(
      new ServerError("invalid_request", `The request is no valid HTTP (${error.code ?? error.message}).`),
    ),
  );
  socket.end(
    `HTTP/1.1 ${status}\r\nconnection: close\r\ncontent-type: application/json\r\n` +
      `x-request-id: ${createRequestId()}\r\n` +
      `content-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
  );
}
