// A context of llama.cpp: the KV cache of some sequences, batches, sampling and scores. With model.ts the only file that calls
// node-llama-cpp's internals.
import type { NativeQueue } from "./call-queue.ts";
import type { NativeCheckpoint, NativeContext, NativeSampler } from "./binding.ts";
import type { SamplerPool } from "./sampler-pool.ts";

/** Log-probability of one token, from the logits as the model gave them, and the likeliest tokens at its place. */
export interface TokenScore {
  readonly logprob: number;
  /** `[id, log-probability]`, likeliest first. */
  readonly top: readonly (readonly [id: number, logprob: number])[];
}

interface ContextSurroundings {
  readonly samplers: SamplerPool;
  readonly createCheckpoint: () => NativeCheckpoint;
  readonly queue: NativeQueue;
  readonly batchSize: number;
}

/** One context: the KV cache of a fixed number of sequences, and the calls that extend, copy and cut it. */
export class NativeContextHandle {
  readonly #native: NativeContext;
  readonly #queue: NativeQueue;
  readonly #samplers: SamplerPool;
  readonly #createCheckpoint: () => NativeCheckpoint;
  /** Greedy, with nothing that changes a logit; made for the first score. */
  #plain: NativeSampler | undefined;
  /** By number of alternatives: a sampler that sorts no more than so many. */
  readonly #tops = new Map<number, NativeSampler>();
  readonly batchSize: number;
  #threads = 0;

  constructor(native: NativeContext, { samplers, createCheckpoint, queue, batchSize }: ContextSurroundings) {
    this.#native = native;
    this.#queue = queue;
    this.#samplers = samplers;
    this.#createCheckpoint = createCheckpoint;
    this.batchSize = batchSize;
  }

  /** Bytes of the KV cache and of the compute buffers. */
  get memoryBytes(): number {
    const { cpuRam, gpuVram } = this.#native.getMemoryBreakdown();
    return cpuRam + gpuVram;
  }

  /** Begins a batch of at most `size` tokens, in place of the one before. */
  beginBatch(size: number): void {
    this.#native.initBatch(size);
  }

  /**
   * Adds tokens of one sequence from `position` on. `logitsFor` are indexes into `tokens`, ascending, whose logits are
   * wanted; the answer are their places in the batch, for {@link sample} and {@link score}.
   */
  addToBatch(
    sequence: number,
    { position, tokens, logitsFor }: { position: number; tokens: Uint32Array; logitsFor: Uint32Array },
  ): Uint32Array {
    return this.#native.addToBatch(sequence, position, tokens, logitsFor);
  }

  decode(): Promise<void> {
    return this.#queue.run(() => this.#native.decodeBatch());
  }

  /**
   * Samples from the logits at a place in the batch. `sampler` notes the token for its penalties and its grammar. -1 = no token can
   * be picked.
   */
  sample(logitIndex: number, sampler: NativeSampler): Promise<number> {
    return this.#queue.run(() => this.#native.sampleToken(logitIndex, sampler));
  }

  /**
   * Log-probability of `token` and of the `topCount` likeliest tokens, from the raw logits: no bias, penalty or grammar counts.
   * The vocabulary is never copied or sorted: log-probability = logit - highest - ln(sum of exp(logit - highest)).
   */
  async score(logitIndex: number, { token, topCount }: { token: number; topCount: number }): Promise<TokenScore> {
    const plain = (this.#plain ??= this.#samplers.take({ temperature: 0, seed: 0 }));
    const chosen = this.#queue.run(() =>
      this.#native.sampleToken(logitIndex, plain, false, false, [[token], false, false, true, 0], true),
    );
    const likeliest =
      topCount === 0
        ? undefined
        : this.#queue.run(() =>
            this.#native.sampleToken(
              logitIndex,
              this.#topSampler(topCount),
              false,
              false,
              [[], false, false, false, topCount],
              false,
            ),
          );
    const [greediest, , , logits = [], weight = 1] = await chosen;
    const highest = logitOf(logits, greediest);
    const toLogprob = (logit: number): number => logit - highest - Math.log(weight);
    const top: [number, number][] = [];
    const topLogits = likeliest === undefined ? [] : ((await likeliest)[3] ?? []);
    for (let index = 0; index + 1 < topLogits.length && top.length < topCount; index += 2) {
      top.push([topLogits[index] as number, toLogprob(topLogits[index + 1] as number)]);
    }
    return { logprob: toLogprob(logitOf(logits, token)), top };
  }

  /** The first position of which all layers have cells: those with a sliding window lose the earlier ones. -1 = none. */
  firstPosition(sequence: number): number {
    return this.#native.getSequenceKvCacheMinPosition(sequence);
  }

  /** Removes the positions from `from` on. False where the model cannot (see `canTrimSequences`). */
  trim(sequence: number, from: number): boolean {
    return this.#native.removeTokenCellsFromSequence(sequence, from, -1);
  }

  clear(sequence: number): void {
    this.#native.disposeSequence(sequence);
  }

  /** Makes `target` a copy of `source`, in place of what it held. */
  async copy(target: number, source: number): Promise<void> {
    this.clear(target);
    await this.#queue.run(() => this.#native.copySequenceStateFromOtherSequence(target, source));
  }

  /** Writes a sequence's state to a file. Resolves to the file's size in bytes. */
  save(sequence: number, { path, tokens }: { path: string; tokens: readonly number[] }): Promise<number> {
    return this.#queue.run(() => this.#native.saveSequenceStateToFile(path, sequence, Uint32Array.from(tokens)));
  }

  /** The inverse of {@link save}; `sequence` must be empty. */
  async restore(sequence: number, { path, maxTokens }: { path: string; maxTokens: number }): Promise<void> {
    await this.#queue.run(() => this.#native.loadSequenceStateFromFile(path, sequence, maxTokens));
  }

  /** Copies what could not be cut of a sequence later on: running states, and the cells of a sliding window. */
  async checkpoint(sequence: number): Promise<NativeCheckpoint> {
    const checkpoint = this.#createCheckpoint();
    await this.#queue.run(() => checkpoint.init(this.#native, sequence));
    return checkpoint;
  }

  /** Cuts a sequence to the `length` that it had when `checkpoint` was made. False where that failed: the state is unknown then. */
  cutTo(sequence: number, { checkpoint, length }: { checkpoint: NativeCheckpoint; length: number }): Promise<boolean> {
    return this.#queue.run(() => this.#native.restoreCheckpoint(checkpoint, length - 1, sequence));
  }

  /** The pooled embedding of sequence 0, or that of the last token where the model does not pool. */
  embedding(tokenCount: number): Float64Array {
    return this.#native.getEmbedding(tokenCount);
  }

  setThreads(threads: number): void {
    if (threads === this.#threads) return;
    this.#threads = threads;
    this.#native.setThreads(threads);
  }

  /** @throws Error naming the difference when `draft`'s vocabulary is not that of this context. */
  assertDraftCompatible(draft: NativeContextHandle): void {
    this.#native.ensureDraftContextIsCompatibleForSpeculative(draft.#native);
  }

  async dispose(): Promise<void> {
    await this.#queue.run(() => this.#native.dispose());
    for (const sampler of [this.#plain, ...this.#tops.values()]) sampler?.dispose();
  }

  #topSampler(count: number): NativeSampler {
    let sampler = this.#tops.get(count);
    if (sampler === undefined) {
      // A greedy chain leaves top-k out, so this one draws; what it draws is not looked at.
      sampler = this.#samplers.take({ temperature: 1, topK: count, seed: 0 });
      this.#tops.set(count, sampler);
    }
    return sampler;
  }
}

function logitOf(pairs: readonly number[], token: number): number {
  for (let index = 0; index + 1 < pairs.length; index += 2) {
    if (pairs[index] === token) return pairs[index + 1] as number;
  }
  return -Infinity;
}
