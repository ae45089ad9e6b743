// Moves the missing bytes of one content into its partial file: several ranges at once, each tried again as long as it makes progress.
import { delayOfAttempt } from "../http/retry-delays.ts";
import { HubFailure, isPassing } from "../failures.ts";
import type { HttpClient, HttpResponse } from "../http/http-client.ts";
import { countBytes, missingPieces, prefixEnd, type ByteRange } from "./byte-ranges.ts";
import type { FileHash } from "./file-hash.ts";
import type { PartialFile } from "./partial-file.ts";
import { decodedBody, isEncoded, rangeOf } from "./range-answers.ts";

/** Where the bytes can be had at present. */
export interface ContentAddress {
  readonly url: string;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface ContentSource {
  /** For messages: the path in the repository, or the name of the file. */
  readonly name: string;
  /** `null` = unknown. */
  readonly bytes: number | null;
  /** Finds the address; called again when one has expired. */
  readonly locate: (signal: AbortSignal) => Promise<ContentAddress>;
  /** The failure for an answer of 400 and above from `url`. */
  readonly explain: (response: HttpResponse, url: string) => Promise<HubFailure>;
}

export interface TransferTools {
  readonly http: HttpClient;
  readonly signal: AbortSignal;
  /** Ranges that are fetched at once. */
  readonly connections: number;
  readonly pieceBytes: number;
  /** Waits; keeps the process alive, unlike a bare timer. */
  readonly delay: (delayMs: number, signal: AbortSignal) => Promise<void>;
  /** From 0 to 1. */
  readonly random: () => number;
  readonly onBytes: (count: number) => void;
  readonly onRetry: (failure: HubFailure, delayMs: number) => void;
}

/** Attempts in a row without a single new byte after which a transfer is given up. */
const mostFruitlessAttempts = 5;

/** The server answers with the whole content where a part was asked for. */
class RangesIgnored extends Error {}

/**
 * Fetches what is missing, and tells `hash` how far the content is there without a gap.
 *
 * 1. Ranges in order of their position, `connections` at once. An answer of 206 goes on from where the last one ended.
 * 2. An answer of 200, or one that is compressed, is the whole content: all ranges are forgotten and it is written from the start.
 *
 * Resolves with the number of bytes of the content.
 * @throws HubFailure where the source refuses, or five attempts in a row brought nothing
 */
export async function transfer(
  source: ContentSource,
  { partial, hash, tools }: { readonly partial: PartialFile; readonly hash: FileHash; readonly tools: TransferTools },
): Promise<number> {
  const address = new CurrentAddress(source, tools);
  const { bytes } = source;
  if (bytes === null) return await transferWhole(source, { partial, hash, tools, address });
  hash.advance(prefixEnd(partial.done));
  try {
    await transferRanges({ ...source, bytes }, { partial, hash, tools, address });
    return bytes;
  } catch (error) {
    if (!(error instanceof RangesIgnored)) throw error;
    return await transferWhole(source, { partial, hash, tools, address });
  }
}

interface TransferParts {
  readonly partial: PartialFile;
  readonly hash: FileHash;
  readonly tools: TransferTools;
  readonly address: CurrentAddress;
}

/** The address in use, shared by all connections, so that one that has expired is replaced once. */
class CurrentAddress {
  readonly #source: ContentSource;
  readonly #tools: TransferTools;
  #known: Promise<ContentAddress> | undefined;

  constructor(source: ContentSource, tools: TransferTools) {
    this.#source = source;
    this.#tools = tools;
  }

  async get(): Promise<ContentAddress> {
    this.#known ??= this.#source.locate(this.#tools.signal);
    const attempt = this.#known;
    try {
      return await attempt;
    } catch (error) {
      this.#forget(attempt);
      throw error;
    }
  }

  /** Has the next caller find a new address, unless somebody has done so already. */
  expire(address: ContentAddress): void {
    const attempt = this.#known;
    attempt?.then(
      (known) => {
        if (known === address) this.#forget(attempt);
      },
      () => {},
    );
  }

  #forget(attempt: Promise<ContentAddress>): void {
    if (this.#known === attempt) this.#known = undefined;
  }
}

async function transferRanges(
  source: ContentSource & { readonly bytes: number },
  { partial, hash, tools, address }: TransferParts,
): Promise<void> {
  const pieces = missingPieces(partial.done, { size: source.bytes, pieceBytes: tools.pieceBytes });
  const stop = new AbortController();
  const signal = AbortSignal.any([tools.signal, stop.signal]);
  const work = async (): Promise<void> => {
    for (let piece = pieces.shift(); piece !== undefined; piece = pieces.shift()) {
      await fetchPiece(source, { piece, partial, hash, address, tools: { ...tools, signal } });
    }
  };
  const workers = Array.from({ length: Math.min(tools.connections, pieces.length) }, () =>
    work().catch((error: unknown) => {
      // The first error ends the others, whose own errors are a consequence of it.
      stop.abort(error);
      throw error;
    }),
  );
  const results = await Promise.allSettled(workers);
  tools.signal.throwIfAborted();
  if (stop.signal.aborted) throw stop.signal.reason as Error;
  for (const result of results) if (result.status === "rejected") throw result.reason as Error;
}

async function fetchPiece(
  source: ContentSource & { readonly bytes: number },
  { piece, partial, hash, address, tools }: TransferParts & { readonly piece: ByteRange },
): Promise<void> {
  let position = piece.start;
  await untilFruitless(source, tools, async () => {
    const before = position;
    try {
      const response = await ask(source, { address, tools, range: { start: position, end: piece.end } });
      for await (const chunk of response.body) {
        // A server that sends more than it was asked for must not write into the next piece.
        const bytes = chunk.subarray(0, piece.end - position);
        await partial.write(position, bytes);
        position += bytes.length;
        tools.onBytes(bytes.length);
        hash.advance(prefixEnd(partial.done));
        if (position >= piece.end) break;
      }
      await response.discard();
    } catch (error) {
      return { error, progressed: position > before, done: false };
    }
    const done = position >= piece.end;
    return { error: done ? undefined : cutShort(source), progressed: position > before, done };
  });
}

/** Writes the whole content from the start. After an interruption everything is fetched again, so progress means to get further. */
async function transferWhole(source: ContentSource, { partial, hash, tools, address }: TransferParts): Promise<number> {
  let furthest = 0;
  let size = 0;
  await untilFruitless(source, tools, async () => {
    tools.onBytes(-countBytes(partial.done));
    await partial.restart();
    await hash.restart();
    let position = 0;
    const before = furthest;
    try {
      const response = await ask(source, { address, tools, range: null });
      for await (const chunk of decodedBody(response)) {
        await partial.write(position, chunk);
        position += chunk.length;
        tools.onBytes(chunk.length);
        hash.advance(position);
        if (source.bytes !== null && position > source.bytes) break;
      }
      await response.discard();
    } catch (error) {
      furthest = Math.max(furthest, position);
      return { error, progressed: position > before, done: false };
    }
    furthest = Math.max(furthest, position);
    size = position;
    const done = source.bytes === null || position >= source.bytes;
    return { error: done ? undefined : cutShort(source), progressed: position > before, done };
  });
  return size;
}

interface Attempt {
  readonly error: unknown;
  readonly progressed: boolean;
  readonly done: boolean;
}

/** Repeats attempts until one is done. Gives up on an error that will not pass, and on the fifth in a row without progress. */
async function untilFruitless(
  source: ContentSource,
  tools: TransferTools,
  attempt: () => Promise<Attempt>,
): Promise<void> {
  let fruitless = 0;
  for (;;) {
    const { error, progressed, done } = await attempt();
    if (done) return;
    tools.signal.throwIfAborted();
    if (!isPassing(error)) throw error;
    fruitless = progressed ? 0 : fruitless + 1;
    if (fruitless >= mostFruitlessAttempts) throw given(error, source);
    const delayMs = delayOfAttempt(fruitless, { asked: error.retryAfterSeconds, random: tools.random });
    tools.onRetry(error, delayMs);
    await tools.delay(delayMs, tools.signal);
  }
}

function given(error: HubFailure, { name }: ContentSource): HubFailure {
  return new HubFailure(
    error.reason,
    {
      message: `${name} could not be fetched: ${mostFruitlessAttempts} attempts in a row brought nothing. ${error.message}`,
      remedy: "What has been fetched is kept: the same command goes on from there.",
    },
    { cause: error },
  );
}

function cutShort({ name }: ContentSource): HubFailure {
  return new HubFailure("interrupted", { message: `The transfer of ${name} ended early.` });
}

/** Asks for a range, or for all, and resolves with an answer whose body is exactly that. */
async function ask(
  source: ContentSource,
  {
    address,
    tools,
    range,
  }: { readonly address: CurrentAddress; readonly tools: TransferTools; readonly range: ByteRange | null },
): Promise<HttpResponse> {
  const { http, signal } = tools;
  const current = await address.get();
  const isWhole = range === null || (range.start === 0 && range.end === source.bytes);
  const headers = isWhole ? {} : { range: `bytes=${range.start}-${range.end - 1}` };
  const response = await http.send({ url: current.url, headers: { ...current.headers, ...headers }, signal });
  if (response.status === 206 && range !== null && !isEncoded(response)) {
    const sent = rangeOf(response);
    if (sent?.start === range.start && (sent.total === null || sent.total === source.bytes)) return response;
    await response.discard();
    throw changed(source);
  }
  if (response.status === 200) {
    if (range === null || (isWhole && !isEncoded(response))) return response;
    await response.discard();
    throw new RangesIgnored();
  }
  if (response.status === 416) {
    await response.discard();
    throw changed(source);
  }
  if (response.status >= 300 && response.status < 400) {
    await response.discard();
    throw new HubFailure("protocol", { message: `The address of ${source.name} leads in circles.` });
  }
  const isForeign = !http.isEndpoint(current.url);
  if (isForeign && (response.status === 401 || response.status === 403)) {
    // A signed address has expired, as far as one can tell: the next attempt asks for a new one.
    await response.discard();
    address.expire(current);
    const { host } = new URL(current.url);
    throw new HubFailure("interrupted", {
      message: `${host} refuses the address of ${source.name} (HTTP ${response.status}).`,
    });
  }
  const failure = await source.explain(response, current.url);
  await response.discard();
  throw failure;
}

function changed({ name }: ContentSource): HubFailure {
  return new HubFailure("protocol", {
    message: `${name} has another size than the hub said: it has changed meanwhile, or a proxy writes into it.`,
    remedy: "Pull again; where that does not help, look at the proxy (HTTPS_PROXY) or the mirror (HF_ENDPOINT).",
  });
}
