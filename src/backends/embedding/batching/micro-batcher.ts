// Runs micro-batches of the texts of all requests, one after another. The next one is taken from what waits when the last has ended. There
// is no timer: waiting for more texts would delay a single one, and gain nothing where texts wait already.
import { ServerError } from "../../../domain/errors.ts";
import type { MicroBatchLimits } from "./micro-batch.ts";
import {
  addRequest,
  endTurn,
  nothingPending,
  removeRequest,
  takeMicroBatch,
  type PendingTexts,
  type RequestKey,
} from "./pending-texts.ts";

/** One text to evaluate; `Item` is what `evaluate` needs of it. */
export interface BatchText<Item> {
  readonly tokens: number;
  readonly item: Item;
}

export interface MicroBatcherOptions<Item> {
  readonly limits: MicroBatchLimits;
  /** Runs one micro-batch and delivers the results. A failure fails the requests that had texts in it, no others. */
  readonly evaluate: (items: readonly Item[]) => Promise<void>;
  /** Milliseconds of a monotonic clock. */
  readonly now: () => number;
  /** Lets pending messages be handled: cancellations and new requests. */
  readonly yieldToEvents: () => Promise<void>;
}

export interface RequestTimings {
  /** Time since the submission in which no text of the request was evaluated. */
  readonly queueMs: number;
  /** Duration of all micro-batches with a text of the request. */
  readonly inferenceMs: number;
}

interface ActiveRequest<Item> {
  readonly texts: readonly BatchText<Item>[];
  readonly submittedAt: number;
  readonly resolve: (timings: RequestTimings) => void;
  readonly reject: (error: unknown) => void;
  remaining: number;
  inferenceMs: number;
}

/** Queue and loop of one encoder that many requests share. */
export class MicroBatcher<Item> {
  readonly #options: MicroBatcherOptions<Item>;
  readonly #requests = new Map<RequestKey, ActiveRequest<Item>>();
  #pending: PendingTexts = nothingPending;
  #nextKey: RequestKey = 0;
  /** The running loop; at most one at any time. */
  #loop: Promise<void> | undefined;
  #closed = false;
  /** Moving average over micro-batches; 0 = nothing measured yet. */
  #tokensPerSecond = 0;

  constructor(options: MicroBatcherOptions<Item>) {
    this.#options = options;
  }

  /** Tokens of all waiting texts. */
  get waitingTokens(): number {
    return this.#pending.texts.reduce((sum, text) => sum + text.tokens, 0);
  }

  /** Measured speed, padding not counted; 0 before the first micro-batch. */
  get tokensPerSecond(): number {
    return this.#tokensPerSecond;
  }

  /**
   * Resolves when every text has been evaluated; rejects with the error of a micro-batch that had one of them. When `signal` aborts, it
   * rejects with the signal's reason at once, and texts that still wait are dropped.
   */
  async submit(texts: readonly BatchText<Item>[], signal: AbortSignal): Promise<RequestTimings> {
    signal.throwIfAborted();
    if (this.#closed) throw shuttingDown();
    if (texts.length === 0) return { queueMs: 0, inferenceMs: 0 };
    const key = this.#nextKey;
    this.#nextKey += 1;
    const cancel = (): void => this.#fail(key, signal.reason);
    signal.addEventListener("abort", cancel, { once: true });
    try {
      return await new Promise<RequestTimings>((resolve, reject) => {
        this.#requests.set(key, {
          texts,
          submittedAt: this.#options.now(),
          resolve,
          reject,
          remaining: texts.length,
          inferenceMs: 0,
        });
        this.#pending = addRequest(this.#pending, { request: key, lengths: texts.map((text) => text.tokens) });
        this.#start();
      });
    } finally {
      signal.removeEventListener("abort", cancel);
    }
  }

  /** Rejects all requests with `shutting_down` and resolves when no micro-batch runs. Idempotent. */
  async close(): Promise<void> {
    this.#closed = true;
    for (const key of this.#requests.keys()) this.#fail(key, shuttingDown());
    await this.#loop;
  }

  #start(): void {
    this.#loop ??= this.#run();
  }

  async #run(): Promise<void> {
    for (;;) {
      // Before the choice, not after it, so that requests that arrive together are in one batch.
      await this.#options.yieldToEvents();
      const { batch, request, rest } = takeMicroBatch(this.#pending, this.#options.limits);
      if (request === undefined) {
        // Without an await since the choice, or a request submitted in between would start no loop.
        this.#loop = undefined;
        return;
      }
      this.#pending = rest;
      const startedAt = this.#options.now();
      const items: Item[] = [];
      const served = new Map<ActiveRequest<Item>, { key: RequestKey; count: number }>();
      let tokens = 0;
      for (const text of batch) {
        const owner = this.#requests.get(text.request);
        const entry = owner?.texts[text.index];
        if (owner === undefined || entry === undefined) continue;
        items.push(entry.item);
        tokens += text.tokens;
        const share = served.get(owner);
        if (share === undefined) served.set(owner, { key: text.request, count: 1 });
        else share.count += 1;
      }
      try {
        await this.#options.evaluate(items);
        const elapsedMs = this.#options.now() - startedAt;
        this.#measure(tokens, elapsedMs);
        for (const [owner, { key, count }] of served) this.#advance(owner, { key, count, elapsedMs });
      } catch (error) {
        for (const { key } of served.values()) this.#fail(key, error);
      }
      this.#pending = endTurn(this.#pending, request);
    }
  }

  #advance(
    owner: ActiveRequest<Item>,
    { key, count, elapsedMs }: { key: RequestKey; count: number; elapsedMs: number },
  ): void {
    owner.remaining -= count;
    owner.inferenceMs += elapsedMs;
    if (owner.remaining > 0 || !this.#requests.delete(key)) return;
    const { submittedAt, inferenceMs } = owner;
    owner.resolve({ queueMs: this.#options.now() - submittedAt - inferenceMs, inferenceMs });
  }

  #fail(key: RequestKey, error: unknown): void {
    const owner = this.#requests.get(key);
    if (owner === undefined) return;
    this.#requests.delete(key);
    this.#pending = removeRequest(this.#pending, key);
    owner.reject(error);
  }

  #measure(tokens: number, elapsedMs: number): void {
    if (elapsedMs <= 0) return;
    const speed = (tokens / elapsedMs) * 1000;
    this.#tokensPerSecond = this.#tokensPerSecond === 0 ? speed : 0.9 * this.#tokensPerSecond + 0.1 * speed;
  }
}

function shuttingDown(): ServerError {
  return new ServerError("shutting_down", "The model is being unloaded.");
}
