// A Hugging Face hub on this machine: the API, the addresses of files, and a second host that large files lie on. It answers as the real one
// does, and a test makes it misbehave in each way that has been seen somewhere.
import { once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { gzipSync } from "node:zlib";
import { commitOf, toFakeFile, type FakeFile, type FakeRepository } from "./fake-repository.ts";

/** A request as it arrived. */
export interface SeenRequest {
  readonly host: "hub" | "store";
  readonly method: string;
  /** Path and query. */
  readonly url: string;
  readonly range: string | null;
  readonly token: string | null;
}

/** What goes wrong with one answer. Left out = nothing. */
export interface Fault {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  /** The connection breaks after so many bytes of the body. */
  readonly cutAfter?: number;
  /** Nothing more comes after so many bytes. */
  readonly stallAfter?: number;
  /** Answers 200 with everything. */
  readonly ignoreRange?: true;
  readonly wrongBytes?: true;
  /** Sends so many bytes fewer and says so. */
  readonly shorterBy?: number;
  /** Compressed, and without a length. */
  readonly gzip?: true;
  /** A slow line: the sockets' buffers stay nearly empty, so that what was sent has also been received. */
  readonly isSlow?: true;
  /** Told how much of the answer has been sent, piece by piece. */
  readonly onSent?: (bytes: number) => void;
}

type FaultRule = (request: SeenRequest) => Fault | undefined;

export class FakeHub {
  readonly repositories = new Map<string, FakeRepository>();
  readonly seen: SeenRequest[] = [];
  /** Asked in order for every answer; the first fault counts. */
  readonly rules: FaultRule[] = [];
  /** Files a page of a listing. */
  pageSize = 1000;
  /** Signed addresses made before the last call of {@link expireAddresses} are refused. */
  #oldestValid = 0;
  #signatures = 0;
  readonly #hub: Server;
  readonly #store: Server;

  private constructor() {
    this.#hub = createServer((request, response) => this.#answer("hub", request, response));
    this.#store = createServer((request, response) => this.#answer("store", request, response));
  }

  static async start(): Promise<FakeHub> {
    const fake = new FakeHub();
    for (const server of [fake.#hub, fake.#store]) {
      server.listen(0, "127.0.0.1");
      await once(server, "listening");
    }
    return fake;
  }

  get endpoint(): string {
    return addressOf(this.#hub);
  }

  get storeHost(): string {
    return new URL(addressOf(this.#store)).host;
  }

  async close(): Promise<void> {
    for (const server of [this.#hub, this.#store]) {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    }
  }

  /** Adds a commit to a repository, which is made if it is new, and moves a branch to it. Returns the commit. */
  commit(name: string, files: Readonly<Record<string, Buffer | string>>, branch = "main"): string {
    const made = Object.entries(files).map(([path, content]) => toFakeFile(path, content));
    const repository = this.repository(name);
    const commit = commitOf(made, `${name} ${repository.commits.size}`);
    repository.commits.set(commit, made);
    repository.references.set(branch, commit);
    return commit;
  }

  repository(name: string): FakeRepository {
    const existing = this.repositories.get(name);
    if (existing !== undefined) return existing;
    const repository: FakeRepository = {
      name,
      commits: new Map(),
      references: new Map(),
      license: null,
      acceptedBy: null,
      visibleTo: null,
      isDisabled: false,
      renamedTo: null,
    };
    this.repositories.set(name, repository);
    return repository;
  }

  /** The next `times` answers to requests that match go wrong. */
  fail(matches: (request: SeenRequest) => boolean, fault: Fault, times = 1): void {
    let left = times;
    this.rules.push((request) => {
      if (left === 0 || !matches(request)) return undefined;
      left -= 1;
      return fault;
    });
  }

  expireAddresses(): void {
    this.#oldestValid = this.#signatures + 1;
  }

  #answer(host: SeenRequest["host"], request: IncomingMessage, response: ServerResponse): void {
    const seen: SeenRequest = {
      host,
      method: request.method ?? "GET",
      url: request.url ?? "/",
      range: request.headers.range ?? null,
      token: /^Bearer (.+)$/.exec(request.headers.authorization ?? "")?.[1] ?? null,
    };
    this.seen.push(seen);
    const fault = this.#faultFor(seen);
    if (fault.status !== undefined) {
      response.writeHead(fault.status, fault.headers);
      response.end(seen.method === "HEAD" ? undefined : (fault.body ?? ""));
      return;
    }
    if (host === "store") this.#answerStore(seen, { response, fault });
    else this.#answerHub(seen, { response, fault });
  }

  #faultFor(seen: SeenRequest): Fault {
    for (const rule of this.rules) {
      const fault = rule(seen);
      if (fault !== undefined) return fault;
    }
    return {};
  }

  #answerHub(request: SeenRequest, reply: Reply): void {
    const url = new URL(request.url, "http://hub");
    const api = /^\/api\/models\/([^/]+\/[^/]+)\/(revision|tree)\/([^/]+)$/.exec(url.pathname);
    const resolve = /^\/([^/]+\/[^/]+)\/resolve\/([^/]+)\/(.+)$/.exec(url.pathname);
    const [, name = "", action = "", revision = ""] =
      api ?? (resolve === null ? [] : ["", resolve[1], "resolve", resolve[2]]);
    const repository = this.repositories.get(name);
    const failure = refusalOf(repository, request);
    if (failure !== undefined || repository === undefined) {
      sendJson(reply, failure ?? notFound);
      return;
    }
    if (repository.renamedTo !== null) {
      reply.response.writeHead(307, { location: request.url.replace(name, repository.renamedTo) }).end();
      return;
    }
    const wanted = decodeURIComponent(revision);
    const commit = repository.references.get(wanted) ?? wanted;
    const files = repository.commits.get(commit);
    if (files === undefined) {
      sendJson(reply, { status: 404, code: "RevisionNotFound", error: `Invalid rev id: ${wanted}` });
      return;
    }
    if (action === "revision") this.#sendInfo(repository, { commit, reply });
    else if (action === "tree") this.#sendTree(files, { url, reply });
    else this.#sendResolved(decodeURIComponent(resolve?.[3] ?? ""), { files, commit, request, reply });
  }

  #sendInfo(
    { name, license, acceptedBy, visibleTo, isDisabled }: FakeRepository,
    { commit, reply }: { commit: string; reply: Reply },
  ): void {
    const body = {
      _id: "0",
      id: name,
      sha: commit,
      private: visibleTo !== null,
      gated: acceptedBy === null ? false : "auto",
      disabled: isDisabled,
      downloads: 1,
      likes: 1,
      lastModified: "2026-01-01T00:00:00.000Z",
      tags: license === null ? [] : [`license:${license}`],
      cardData: license === null ? {} : { license },
    };
    sendJson(reply, { status: 200, body });
  }

  #sendTree(files: readonly FakeFile[], { url, reply }: { url: URL; reply: Reply }): void {
    const start = Number(url.searchParams.get("cursor") ?? 0);
    const page = files.slice(start, start + this.pageSize);
    const next = start + this.pageSize;
    const link = new URL(url);
    link.searchParams.set("cursor", String(next));
    const headers =
      next < files.length ? { link: `<${this.endpoint}${link.pathname}${link.search}>; rel="next"` } : undefined;
    sendJson(reply, {
      status: 200,
      ...(headers === undefined ? {} : { headers }),
      body: page.map(({ path, content, tag, isLarge }) =>
        isLarge
          ? {
              type: "file",
              path,
              size: content.length,
              oid: "0".repeat(40),
              lfs: { oid: tag, size: content.length, pointerSize: 130 },
            }
          : { type: "file", path, size: content.length, oid: tag },
      ),
    });
  }

  #sendResolved(
    path: string,
    place: { files: readonly FakeFile[]; commit: string; request: SeenRequest; reply: Reply },
  ): void {
    const { files, commit, request, reply } = place;
    const file = files.find((candidate) => candidate.path === path);
    if (file === undefined) {
      sendJson(reply, { status: 404, code: "EntryNotFound", error: "Entry not found" });
      return;
    }
    if (!file.isLarge) {
      const headers = { "x-repo-commit": commit, etag: `"${file.tag}"`, ...reply.fault.headers };
      sendContent(file.content, { ...reply, request, headers });
      return;
    }
    this.#signatures += 1;
    reply.response
      .writeHead(302, {
        location: `${addressOf(this.#store)}/${file.tag}?signature=${this.#signatures}`,
        "x-repo-commit": commit,
        "x-linked-etag": `"${file.tag}"`,
        "x-linked-size": String(file.content.length),
        // That of the redirect itself, which is nobody's business.
        etag: 'W/"redirect"',
        ...reply.fault.headers,
      })
      .end();
  }

  #answerStore(request: SeenRequest, reply: Reply): void {
    const url = new URL(request.url, "http://store");
    const tag = url.pathname.slice(1);
    if (Number(url.searchParams.get("signature")) < this.#oldestValid) {
      reply.response.writeHead(403, { "content-type": "application/xml" }).end("<Error>Request has expired</Error>");
      return;
    }
    const file = [...this.repositories.values()]
      .flatMap(({ commits }) => [...commits.values()].flat())
      .find((candidate) => candidate.tag === tag);
    if (file === undefined) reply.response.writeHead(404).end();
    else sendContent(file.content, { ...reply, request, headers: { etag: `"${tag}-store"` } });
  }
}

interface Reply {
  readonly response: ServerResponse;
  readonly fault: Fault;
}

interface JsonAnswer {
  readonly status: number;
  readonly code?: string;
  readonly error?: string;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

const notFound: JsonAnswer = { status: 401, code: "RepoNotFound", error: "Repository not found" };

function refusalOf(repository: FakeRepository | undefined, { token }: SeenRequest): JsonAnswer | undefined {
  if (repository === undefined) return token === null ? notFound : { ...notFound, status: 404 };
  const { visibleTo, acceptedBy, isDisabled } = repository;
  if (visibleTo !== null && (token === null || !visibleTo.has(token)))
    return token === null ? notFound : { ...notFound, status: 404 };
  if (isDisabled) return { status: 403, error: "Access to this resource is disabled." };
  if (acceptedBy === null || (token !== null && acceptedBy.has(token))) return undefined;
  return token === null
    ? { status: 401, code: "GatedRepo", error: "Access to this model is restricted. Please log in." }
    : { status: 403, code: "GatedRepo", error: "You are not in the authorized list." };
}

function sendJson({ response }: Reply, { status, code, error, body, headers }: JsonAnswer): void {
  response.writeHead(status, {
    "content-type": "application/json",
    ...(code === undefined ? {} : { "x-error-code": code }),
    ...(error === undefined ? {} : { "x-error-message": error }),
    ...headers,
  });
  response.end(JSON.stringify(body ?? { error }));
}

/** Sends a content, or the range of it that was asked for. */
function sendContent(
  content: Buffer,
  {
    response,
    fault,
    request,
    headers,
  }: Reply & { readonly request: SeenRequest; readonly headers: Readonly<Record<string, string>> },
): void {
  const range =
    fault.ignoreRange === true || fault.gzip === true ? null : /^bytes=(\d+)-(\d*)$/.exec(request.range ?? "");
  const start = range === null ? 0 : Number(range[1]);
  const end = range === null || range[2] === "" ? content.length : Math.min(Number(range[2]) + 1, content.length);
  if (start >= content.length && content.length > 0) {
    response.writeHead(416, { "content-range": `bytes */${content.length}` }).end();
    return;
  }
  let body = content.subarray(start, end - (fault.shorterBy ?? 0));
  if (fault.wrongBytes === true) body = Buffer.from(body.map((byte) => byte ^ 0xff));
  if (fault.gzip === true) {
    response.writeHead(200, { ...headers, "content-encoding": "gzip" });
    response.end(request.method === "HEAD" ? undefined : gzipSync(body));
    return;
  }
  response.writeHead(range === null ? 200 : 206, {
    ...headers,
    "content-length": String(body.length),
    "accept-ranges": "bytes",
    ...(range === null ? {} : { "content-range": `bytes ${start}-${end - 1}/${content.length}` }),
  });
  if (request.method === "HEAD") response.end();
  else sendPieces(body, { response, fault });
}

const pieceBytes = 8 * 1024;

/** Sends by pieces, each when the one before has left, so that a fault can strike between any two bytes. */
function sendPieces(body: Buffer, { response, fault }: Reply): void {
  const limit = Math.min(fault.cutAfter ?? Infinity, fault.stallAfter ?? Infinity, body.length);
  let sent = 0;
  const next = (): void => {
    fault.onSent?.(sent);
    if (response.destroyed) return;
    if (sent >= limit) {
      if (limit === body.length && fault.cutAfter === undefined) response.end();
      else if (fault.cutAfter !== undefined) response.destroy();
      return;
    }
    const piece = body.subarray(sent, Math.min(sent + pieceBytes, limit));
    sent += piece.length;
    response.write(piece, () => void (fault.isSlow === true ? setTimeout(next, 1) : next()));
  };
  next();
}

function addressOf(server: Server): string {
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}
