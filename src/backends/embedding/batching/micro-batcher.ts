// Drives one device with micro-batches from all requests that wait: what is queued when the device becomes free is the
// next batch. There is no timer anywhere: waiting for company would delay a lonely text and gain nothing on a busy device.
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

/** One text to evaluate; `Item` is what the device needs of it and where its result goes. */
export interface BatchText<Item> {
  readonly tokens: number;
  readonly item: Item;
}

export interface MicroBatcherOptions<Item> {
  readonly limits: MicroBatchLimits;
  /** Runs one micro-batch and delivers the results. A failure fails the requests that had texts in it, no others. */
  readonly evaluate: (items: readonly Item[]) => Promise<void>;
  /** Milliseconds of a steady clock. */
  readonly now: () => number;
  /** Lets what has happened meanwhile arrive: cancellations and new requests. */
  readonly yieldToEvents: () => Promise<void>;
}

export interface RequestTimings {
  /** Of the time since the submission, what passed while no text of the request was evaluated. */
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

/** A device shared by many requests. */
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

  /** Tokens waiting, of all requests. */
  get waitingTokens(): number {
    return this.#pending.texts.reduce((sum, text) => sum + text.tokens, 0);
  }

  get tokensPerSecond(): number {
    return this.#tokensPerSecond;
  }

  /**
   * Resolves when every text has been evaluated. When `signal` aborts, texts that have not started never start, and the
   * promise rejects with the signal's reason.
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

  /** Rejects everything that waits with `shutting_down` and resolves when the device stands still. Idempotent. */
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
      // Before the choice, not after: requests that came together are to be in one batch.
      await this.#options.yieldToEvents();
      const { batch, request, rest } = takeMicroBatch(this.#pending, this.#options.limits);
      if (request === undefined) {
        // In the same step as the look at the queue: a request submitted a moment later must start a new loop.
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
