// Asks the hub about a repository: its commit, licence and files, and where the bytes of a file can be had. The questions of its API are
// @huggingface/hub's; the requests are ours, as that library's errors lack the code by which the hub says what is wrong.
import type { License } from "../../domain/hub/pull.ts";
import { isRecord } from "../../util/is-record.ts";
import type { RepositoryFile } from "../cache/repository-files.ts";
import type { HubEnvironment } from "../environment.ts";
import { HubFailure, isPassing } from "../failures.ts";
import { delayOfAttempt } from "../http/retry-delays.ts";
import type { ContentAddress, TransferTools } from "../fetch/transfer.ts";
import type { HttpClient, HttpResponse } from "../http/http-client.ts";
import { toAnswerFailure, type AnswerContext } from "./response-failures.ts";

export interface RepositoryFacts {
  /** 40 hexadecimal digits. */
  readonly commit: string;
  readonly license: License | null;
  /** The authors ask everybody to accept their terms. */
  readonly isGated: boolean;
}

export interface RevisionOfRepository {
  readonly repository: string;
  readonly revision: string;
}

export interface HubClientOptions {
  readonly environment: HubEnvironment;
  readonly http: HttpClient;
  readonly tools: Pick<TransferTools, "signal" | "delay" | "random">;
  readonly onRetry: (failure: HubFailure, delayMs: number) => void;
}

/** Questions are small: an answer that does not come is asked for so many times. */
const mostAttempts = 4;
/** Where nothing answers at all, another try is unlikely to help, and somebody waits. */
const mostAttemptsUnreachable = 2;
const mostRedirects = 5;

export class HubClient {
  readonly #options: HubClientOptions;

  constructor(options: HubClientOptions) {
    this.#options = options;
  }

  /** @throws HubFailure */
  async describe({ repository, revision }: RevisionOfRepository): Promise<RepositoryFacts> {
    const { modelInfo } = await import("@huggingface/hub");
    const info = await modelInfo({
      name: repository,
      revision,
      additionalFields: ["sha", "cardData", "tags", "disabled"],
      hubUrl: this.#options.environment.endpoint,
      fetch: this.#fetchFor({ repository, revision }),
    });
    const { sha, disabled } = info;
    if (disabled) {
      throw new HubFailure("disabled", {
        message: `The repository ${repository} has been disabled by the hub.`,
        remedy: "Choose another repository of the same model.",
      });
    }
    if (typeof sha !== "string" || !/^[0-9a-f]{40}$/.test(sha)) {
      throw new HubFailure("protocol", {
        message: `${this.#options.environment.endpoint} does not say which commit ${revision} of ${repository} is at.`,
        remedy: "Check HF_ENDPOINT: the address is not that of a hub, or of a mirror that lacks this part.",
      });
    }
    return {
      commit: sha,
      license: this.#licenseOf(repository, { cardData: info.cardData, tags: info.tags }),
      isGated: info.gated !== false && info.gated !== undefined,
    };
  }

  /** Every file of a commit. @throws HubFailure */
  async list({
    repository,
    commit,
  }: {
    readonly repository: string;
    readonly commit: string;
  }): Promise<RepositoryFile[]> {
    const { listFiles } = await import("@huggingface/hub");
    const files: RepositoryFile[] = [];
    const entries = listFiles({
      repo: { type: "model", name: repository },
      recursive: true,
      revision: commit,
      hubUrl: this.#options.environment.endpoint,
      fetch: this.#fetchFor({ repository, revision: commit }),
    });
    for await (const { type, path, size, oid, lfs } of entries) {
      if (type !== "file") continue;
      const tag = (lfs?.oid ?? oid ?? "").replace(/^sha256:/, "");
      // The tag becomes a file's name.
      if (!/^(?:[0-9a-f]{40}|[0-9a-f]{64})$/.test(tag)) continue;
      const algorithm = tag.length === 64 ? "sha256" : "git-sha1";
      files.push({ path, bytes: lfs?.size ?? size, tag, digest: { algorithm, hex: tag } });
    }
    return files;
  }

  /**
   * The address of a file's bytes: the hub's own for a small file, a signed one elsewhere for a large one, which expires.
   * @throws HubFailure; `protocol` where the hub says that the content is another than the listing's
   */
  async locate(
    file: RepositoryFile,
    {
      repository,
      commit,
      signal,
    }: { readonly repository: string; readonly commit: string; readonly signal: AbortSignal },
  ): Promise<ContentAddress> {
    const { environment, http } = this.#options;
    const path = file.path.split("/").map(encodeURIComponent).join("/");
    let url = `${environment.endpoint}/${repository}/resolve/${encodeURIComponent(commit)}/${path}`;
    for (let redirects = 0; redirects <= mostRedirects; redirects += 1) {
      const response = await http.send({ url, method: "HEAD", signal });
      const location = response.header("location");
      if (response.status >= 400) {
        // An answer to HEAD has no body, which is where some mirrors say what is wrong.
        throw await toAnswerFailure(response, this.#context({ repository, revision: commit }, file.path));
      }
      await response.discard();
      const isRedirect = response.status >= 300 && location !== null;
      // A relative one is the hub's word for a repository that was renamed: the facts come with the next answer.
      if (isRedirect && !/^(?:https?:)?\/\//i.test(location)) {
        url = new URL(location, url).href;
        continue;
      }
      this.#assertSame(response, { file, repository, commit });
      return { url: isRedirect ? new URL(location, url).href : url };
    }
    throw new HubFailure("protocol", { message: `The address of ${file.path} of ${repository} leads in circles.` });
  }

  /** The failure for an answer of 400 and above while a file is transferred. */
  explain(
    response: HttpResponse,
    { repository, commit, file, url }: { repository: string; commit: string; file: string; url: string },
  ): Promise<HubFailure> {
    const context = this.#context({ repository, revision: commit }, file);
    return toAnswerFailure(response, { ...context, host: new URL(url).host });
  }

  #assertSame(
    response: HttpResponse,
    {
      file,
      repository,
      commit,
    }: { readonly file: RepositoryFile; readonly repository: string; readonly commit: string },
  ): void {
    const { endpoint } = this.#options.environment;
    const found = response.header("x-repo-commit");
    const tag = (response.header("x-linked-etag") ?? response.header("etag") ?? "")
      .replace(/^W\//, "")
      .replaceAll('"', "");
    const size = response.header("x-linked-size");
    if (found === null) {
      throw new HubFailure("protocol", {
        message: `${endpoint} does not answer as a hub does: its answer for ${file.path} lacks X-Repo-Commit.`,
        remedy: "Check HF_ENDPOINT, and whether a proxy (HTTPS_PROXY) removes headers.",
      });
    }
    const isSame = found === commit && tag === file.tag && (size === null || Number(size) === file.bytes);
    if (isSame) return;
    throw new HubFailure("protocol", {
      message: `${endpoint} offers another ${file.path} of ${repository} than it listed a moment ago.`,
      remedy: "Pull again; where that does not help, the mirror (HF_ENDPOINT) is not consistent.",
    });
  }

  /** A `fetch` for @huggingface/hub that repeats what may pass, and throws our failures. */
  #fetchFor(place: RevisionOfRepository): typeof fetch {
    return async (input) => {
      const url = input instanceof Request ? input.url : String(input);
      const response = await this.#ask(url, place);
      const headers: Record<string, string> = { "content-type": "application/json" };
      const link = response.header("link");
      if (link !== null) headers["link"] = link;
      const text = await readAll(response);
      if (!isJson(text)) {
        throw new HubFailure("protocol", {
          message: `${new URL(url).host} does not answer as a hub does.`,
          remedy: "Check HF_ENDPOINT, and whether a proxy or a page to log in to the network answers in its place.",
        });
      }
      return new Response(text, { headers });
    };
  }

  async #ask(url: string, place: RevisionOfRepository): Promise<HttpResponse> {
    const { http, tools, onRetry } = this.#options;
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await this.#askOnce(url, { place, http });
      } catch (error) {
        const most =
          error instanceof HubFailure && error.reason === "unreachable" ? mostAttemptsUnreachable : mostAttempts;
        if (!isPassing(error) || attempt >= most) throw error;
        const delayMs = delayOfAttempt(attempt, { asked: error.retryAfterSeconds, random: tools.random });
        onRetry(error, delayMs);
        await tools.delay(delayMs, tools.signal);
      }
    }
  }

  async #askOnce(
    first: string,
    { place, http }: { readonly place: RevisionOfRepository; readonly http: HttpClient },
  ): Promise<HttpResponse> {
    let url = first;
    for (let redirects = 0; redirects <= mostRedirects; redirects += 1) {
      const response = await http.send({
        url,
        headers: { accept: "application/json" },
        signal: this.#options.tools.signal,
      });
      const location = response.header("location");
      if (response.status >= 400) throw await toAnswerFailure(response, this.#context(place, null));
      if (response.status < 300 || location === null) return response;
      await response.discard();
      url = new URL(location, url).href;
    }
    throw new HubFailure("protocol", { message: `The pages of ${place.repository} lead in circles.` });
  }

  #context({ repository, revision }: RevisionOfRepository, file: string | null): AnswerContext {
    const { endpoint, token } = this.#options.environment;
    return { endpoint, repository, revision, file, hasToken: token !== null };
  }

  #licenseOf(
    repository: string,
    { cardData, tags }: { readonly cardData: unknown; readonly tags: readonly string[] | undefined },
  ): License | null {
    const card = isRecord(cardData) ? cardData : {};
    const tagged = tags?.find((tag) => tag.startsWith("license:"))?.slice("license:".length);
    const short = textOf(card["license"]) ?? tagged;
    if (short === undefined) return null;
    const page = `${this.#options.environment.endpoint}/${repository}`;
    const link = textOf(card["license_link"]);
    const url = link === undefined ? page : /^https?:\/\//.test(link) ? link : `${page}/blob/main/${link}`;
    return { name: short === "other" ? (textOf(card["license_name"]) ?? short) : short, url };
  }
}

const longestAnswerBytes = 64 * 2 ** 20;

async function readAll(response: HttpResponse): Promise<string> {
  const parts: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of response.body) {
    bytes += chunk.length;
    if (bytes > longestAnswerBytes) throw new HubFailure("protocol", { message: "The hub's answer does not end." });
    parts.push(chunk);
  }
  return Buffer.concat(parts).toString("utf8");
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

/** A text, or the first of several. */
function textOf(value: unknown): string | undefined {
  const first: unknown = Array.isArray(value) ? value[0] : value;
  return typeof first === "string" && first !== "" ? first : undefined;
}
