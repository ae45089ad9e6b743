// HTTP as fetching models needs it: no redirect is followed unseen, no body is decoded unseen, the token goes to one host only, proxies
// are those of the environment, and silence ends after a time.
import { EnvHttpProxyAgent, errors, request, type Dispatcher } from "undici";
import { version } from "../../version.ts";
import type { HubEnvironment } from "../environment.ts";
import { HubFailure } from "../failures.ts";

export interface HttpRequest {
  readonly url: string;
  readonly method?: "GET" | "HEAD";
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal: AbortSignal;
}

export interface HttpResponse {
  readonly status: number;
  /** The first value of a header; `null` = it is not there. */
  readonly header: (name: string) => string | null;
  /** Bytes as they were sent. A broken connection and silence throw {@link HubFailure} `interrupted`. */
  readonly body: AsyncIterable<Uint8Array>;
  /** At most the first 64 KiB as text; for errors and small answers. */
  readonly text: () => Promise<string>;
  /** Ends the transfer. */
  readonly discard: () => Promise<void>;
}

export interface HttpClient {
  /**
   * Resolves with an answer of any status.
   * @throws HubFailure `unreachable` where none comes
   */
  readonly send: (options: HttpRequest) => Promise<HttpResponse>;
  /** True where the token is sent. */
  readonly isEndpoint: (url: string) => boolean;
  readonly close: () => Promise<void>;
}

export function createHttpClient(environment: HubEnvironment): HttpClient {
  const { endpoint, token, proxies, metadataTimeoutMs, downloadTimeoutMs } = environment;
  const origin = new URL(endpoint).origin;
  const agent = new EnvHttpProxyAgent({
    // An empty text keeps the library from reading the process's own variables.
    httpProxy: proxies.http ?? "",
    httpsProxy: proxies.https ?? "",
    noProxy: proxies.no ?? "",
    connect: { timeout: metadataTimeoutMs },
    headersTimeout: metadataTimeoutMs,
    bodyTimeout: downloadTimeoutMs,
  });
  const isEndpoint = (url: string): boolean => new URL(url).origin === origin;
  return {
    isEndpoint,
    async send({ url, method = "GET", headers = {}, signal }) {
      const secret = token !== null && isEndpoint(url) ? { authorization: `Bearer ${token}` } : {};
      try {
        const response = await request(url, {
          method,
          headers: { "user-agent": `hearth/${version}`, "accept-encoding": "identity", ...headers, ...secret },
          dispatcher: agent,
          signal,
        });
        return toResponse(response, { url, signal });
      } catch (error) {
        throw toFailure(error, { url, signal, whole: true });
      }
    },
    close: () => agent.destroy(),
  };
}

const longestTextBytes = 64 * 1024;

interface Place {
  readonly url: string;
  readonly signal: AbortSignal;
}

function toResponse({ statusCode, headers, body }: Dispatcher.ResponseData, place: Place): HttpResponse {
  async function* chunks(): AsyncGenerator<Uint8Array, void, undefined> {
    try {
      for await (const chunk of body) yield chunk as Uint8Array;
    } catch (error) {
      throw toFailure(error, { ...place, whole: false });
    }
  }
  return {
    status: statusCode,
    header: (name) => {
      const value = headers[name.toLowerCase()];
      return (Array.isArray(value) ? value[0] : value) ?? null;
    },
    body: { [Symbol.asyncIterator]: chunks },
    async text() {
      const parts: Uint8Array[] = [];
      let bytes = 0;
      for await (const chunk of chunks()) {
        parts.push(chunk);
        bytes += chunk.length;
        if (bytes >= longestTextBytes) break;
      }
      return Buffer.concat(parts).toString("utf8").slice(0, longestTextBytes);
    },
    async discard() {
      // Destroyed rather than read to its end: it may be gigabytes. The error that this causes is of no interest.
      body.on("error", () => {});
      body.destroy();
      await Promise.resolve();
    },
  };
}

/** The failure of a connection, in words; the reason of the signal where that ended it. Addresses may be signed, so only the host is named. */
function toFailure(error: unknown, { url, signal, whole }: Place & { readonly whole: boolean }): Error {
  if (signal.aborted) return signal.reason as Error;
  const { host } = new URL(url);
  const cause = { cause: error };
  if (!whole) return new HubFailure("interrupted", { message: `${host} ${describeEnd(error)}.` }, cause);
  const remedy = `Check the network, the proxy (HTTPS_PROXY), and HF_ENDPOINT where a mirror is used.`;
  return new HubFailure(
    "unreachable",
    { message: `${host} cannot be reached: ${describeCause(error)}.`, remedy },
    cause,
  );
}

function describeEnd(error: unknown): string {
  if (error instanceof errors.BodyTimeoutError) return "sent nothing for too long";
  return "has ended the transfer early";
}

function describeCause(error: unknown): string {
  const code = codeOf(error);
  switch (code) {
    case "ENOTFOUND":
    case "EAI_AGAIN":
      return "its name is not known here";
    case "ECONNREFUSED":
      return "it refuses the connection";
    case "UND_ERR_CONNECT_TIMEOUT":
    case "UND_ERR_HEADERS_TIMEOUT":
    case "ETIMEDOUT":
      return "it does not answer in time";
    case "UND_ERR_SOCKET":
    case "ECONNRESET":
    case "EPIPE":
      return "it has ended the connection";
    case "ENETUNREACH":
    case "EHOSTUNREACH":
      return "there is no route to it";
    default:
      return /CERT|SSL|TLS/.test(code)
        ? `its certificate is not accepted (${code}; NODE_EXTRA_CA_CERTS adds one)`
        : code;
  }
}

/** The most telling code of an error, of its cause, or of the first of several attempts. */
function codeOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { code, cause } = error as NodeJS.ErrnoException;
  if (typeof code === "string") return code;
  if (error instanceof AggregateError && error.errors.length > 0) return codeOf(error.errors[0]);
  return cause === undefined ? error.message : codeOf(cause);
}
