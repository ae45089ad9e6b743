// The HTTP client of the benchmarks. It is undici, as a client that costs little leaves more of the machine to the server.
import { Pool, type Dispatcher } from "undici";

export interface ServerClientOptions {
  /** With or without the trailing `/v1`. */
  readonly url: string;
  /** `null` = the first model that the server lists. */
  readonly model: string | null;
  readonly apiKey: string | null;
  /** Fields added to every request's body. */
  readonly extraBody: Readonly<Record<string, unknown>>;
}

export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
  readonly text: string;
}

/** The server answered with an error, or with something that cannot be read. */
export class RequestFailure extends Error {
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.name = "RequestFailure";
    this.status = status;
  }
}

/** Longest time without any data from the server: a large image on a small machine takes minutes. */
const patienceMs = 30 * 60_000;

/** Connections to one server; `close` ends them. */
export class ServerClient {
  /** Without the trailing slash, with `/v1`. */
  readonly baseUrl: string;
  readonly origin: string;
  readonly #options: ServerClientOptions;
  readonly #basePath: string;
  readonly #pool: Pool;
  #model: string | null;

  constructor(options: ServerClientOptions) {
    const url = toBaseUrl(options.url);
    this.#options = options;
    this.#model = options.model;
    this.baseUrl = url.href;
    this.origin = url.origin;
    this.#basePath = url.pathname;
    // No limit on connections, so that no request waits inside the client.
    this.#pool = new Pool(url.origin, { connections: null, headersTimeout: patienceMs, bodyTimeout: patienceMs });
  }

  /** The model's name; looked up once where none was given. @throws RequestFailure where the server lists none */
  async model(signal: AbortSignal): Promise<string> {
    if (this.#model !== null) return this.#model;
    const { data } = await this.getJson<{ readonly data?: readonly { readonly id: string }[] }>("/models", signal);
    const [first] = data ?? [];
    if (first === undefined) throw new RequestFailure(200, `${this.baseUrl}/models lists no model.`);
    this.#model = first.id;
    return first.id;
  }

  /** Gets any path of the server, such as `/health`. Does not throw for a status. */
  async get(path: string, signal: AbortSignal): Promise<Answer> {
    const { statusCode, headers, body } = await this.#pool.request({
      method: "GET",
      path,
      headers: this.#headers(),
      signal,
    });
    return { status: statusCode, headers, text: await body.text() };
  }

  /** Gets JSON from `path` under the base URL. @throws RequestFailure for an error, or an answer that is no JSON */
  async getJson<T>(path: string, signal: AbortSignal): Promise<T> {
    return parseAnswer(await this.get(`${this.#basePath}${path}`, signal)) as T;
  }

  /** Posts JSON and reads the whole answer. @throws RequestFailure for an error, or an answer that is no JSON */
  async post<T>(path: string, body: Readonly<Record<string, unknown>>, signal: AbortSignal): Promise<Posted<T>> {
    const { statusCode, headers, body: content } = await this.#send(path, body, signal);
    const text = await content.text();
    return { value: parseAnswer({ status: statusCode, headers, text }) as T, headers };
  }

  /** Posts JSON and returns the answer's body as it arrives. @throws RequestFailure where the status is not 200 */
  async postStream(
    path: string,
    body: Readonly<Record<string, unknown>>,
    signal: AbortSignal,
  ): Promise<AsyncIterable<Uint8Array>> {
    const { statusCode, headers, body: content } = await this.#send(path, body, signal);
    if (statusCode === 200) return content;
    throw toFailure({ status: statusCode, headers, text: await content.text() });
  }

  async close(): Promise<void> {
    await this.#pool.destroy();
  }

  #send(path: string, body: Readonly<Record<string, unknown>>, signal: AbortSignal): Promise<Dispatcher.ResponseData> {
    return this.#pool.request({
      method: "POST",
      path: `${this.#basePath}${path}`,
      headers: { ...this.#headers(), "content-type": "application/json" },
      body: JSON.stringify({ ...body, ...this.#options.extraBody }),
      signal,
    });
  }

  #headers(): Record<string, string> {
    const { apiKey } = this.#options;
    return apiKey === null ? {} : { authorization: `Bearer ${apiKey}` };
  }
}

export interface Posted<T> {
  readonly value: T;
  readonly headers: Answer["headers"];
}

/** The base URL: `http://127.0.0.1:8080`, `…/`, `…/v1` and `…/v1/` give the same one. Another path is kept. */
export function toBaseUrl(written: string): URL {
  const url = new URL(/^https?:\/\//.test(written) ? written : `http://${written}`);
  const path = url.pathname.replace(/\/+$/, "");
  url.pathname = path === "" ? "/v1" : path;
  url.search = "";
  url.hash = "";
  return url;
}

function parseAnswer(answer: Answer): unknown {
  if (answer.status < 200 || answer.status > 299) throw toFailure(answer);
  try {
    return JSON.parse(answer.text) as unknown;
  } catch {
    throw new RequestFailure(answer.status, `The answer is no JSON: ${answer.text.slice(0, 200)}`);
  }
}

function toFailure({ status, text }: Answer): RequestFailure {
  let message = text.slice(0, 200);
  try {
    const { error } = JSON.parse(text) as { readonly error?: { readonly message?: string } };
    message = error?.message ?? message;
  } catch {
    // Not JSON: the text itself is the message.
  }
  return new RequestFailure(status, `${status} ${message}`);
}
