// A context of llama.cpp: the KV cache of some sequences, batches, sampling and scores. With model.ts the only file that calls
// node-llama-cpp's internals.
import { rm } from "node:fs/promises";
import { join } from "node:path";
import type { NativeQueue } from "./call-queue.ts";
import { fitStateFile } from "./state-file.ts";
import type { NativeCheckpoint, NativeContext, NativeSampler } from "./binding.ts";
import type { SamplerPool } from "./sampler-pool.ts";

/** Log-probability of one token, from the logits as the model gave them, and the likeliest tokens at its place. */
export interface TokenScore {
  readonly logprob: number;
  /** `[id, log-probability]`, likeliest first. */
  readonly top: readonly (readonly [id: number, logprob: number])[];
}

/** A sequence whose state survives {@link NativeContextHandle.resize}, the one that has it then, and the tokens that it holds. */
export interface CarriedState {
  readonly from: number;
  readonly to: number;
  readonly tokens: readonly number[];
}

interface ContextSurroundings {
  readonly samplers: SamplerPool;
  readonly createCheckpoint: () => NativeCheckpoint;
  /** Opens another context of the same model with the same settings. */
  readonly reopen: (sequences: number) => Promise<NativeContext>;
  readonly queue: NativeQueue;
  readonly batchSize: number;
  readonly sequences: number;
  /** Tokens per sequence. */
  readonly contextSize: number;
}

/** One context: the KV cache of some sequences, and the calls that extend, copy and cut it. */
export class NativeContextHandle {
  #native: NativeContext;
  #sequences: number;
  readonly #queue: NativeQueue;
  readonly #samplers: SamplerPool;
  readonly #reopen: ContextSurroundings["reopen"];
  readonly #contextSize: number;
  readonly #createCheckpoint: () => NativeCheckpoint;
  /** Greedy, with nothing that changes a logit; made for the first score. */
  #plain: NativeSampler | undefined;
  /** By number of alternatives: a sampler that sorts no more than so many. */
  readonly #tops = new Map<number, NativeSampler>();
  readonly batchSize: number;
  /** Told when a batch could not be computed for another reason than a full cache. The batch fails once it has returned. */
  onDecodeFault: ((reason: string) => Promise<void>) | undefined;
  #threads = 0;

  constructor(native: NativeContext, surroundings: ContextSurroundings) {
    this.#native = native;
    this.#queue = surroundings.queue;
    this.#samplers = surroundings.samplers;
    this.#reopen = surroundings.reopen;
    this.#createCheckpoint = surroundings.createCheckpoint;
    this.#sequences = surroundings.sequences;
    this.#contextSize = surroundings.contextSize;
    this.batchSize = surroundings.batchSize;
  }

  /** Bytes of the KV cache and of the compute buffers. */
  get memoryBytes(): number {
    const { cpuRam, gpuVram } = this.#native.getMemoryBreakdown();
    return cpuRam + gpuVram;
  }

  get sequences(): number {
    return this.#sequences;
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
    const decoded = this.#queue.run(() => this.#native.decodeBatch());
    return this.onDecodeFault === undefined ? decoded : this.#watch(decoded, this.onDecodeFault);
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

  /**
   * The inverse of {@link save}; `sequence` must be empty. The file may come from a context with another number of sequences, unless
   * the model has several caches.
   */
  async restore(sequence: number, { path, maxTokens }: { path: string; maxTokens: number }): Promise<void> {
    const fitted = await fitStateFile(path, { streams: this.#sequences, target: `${path}.fitted` });
    try {
      await this.#queue.run(() => this.#native.loadSequenceStateFromFile(fitted, sequence, maxTokens));
    } finally {
      if (fitted !== path) await rm(fitted, { force: true });
    }
  }

  /**
   * Becomes a context of `sequences` sequences. The states of `carried` come along by way of files in `folder`, for
   * llama.cpp copies states within one context only; all others are lost. No other call may be under way. A model with several caches
   * cannot carry states.
   * @throws Error of the native library or the file system; the context is as it was then
   */
  async resize(
    sequences: number,
    { carried, folder }: { readonly carried: readonly CarriedState[]; readonly folder: string },
  ): Promise<void> {
    const resized = await this.#reopen(sequences);
    try {
      for (const { from, to, tokens } of carried) {
        const path = join(folder, `${from}.state`);
        await this.save(from, { path, tokens });
        const fitted = await fitStateFile(path, { streams: sequences, target: join(folder, `${from}.fitted`) });
        await this.#queue.run(() => resized.loadSequenceStateFromFile(fitted, to, this.#contextSize));
        await rm(path);
        await rm(fitted, { force: true });
      }
    } catch (error) {
      await this.#queue.run(() => resized.dispose());
      throw error;
    }
    const former = this.#native;
    this.#native = resized;
    this.#sequences = sequences;
    // A new context computes with the threads that it was created with.
    this.#threads = 0;
    await this.#queue.run(() => former.dispose());
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

  async #watch(decoded: Promise<void>, tell: (reason: string) => Promise<void>): Promise<void> {
    try {
      await decoded;
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      if (!reason.includes("KV slot")) await tell(reason);
      throw error;
    }
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
