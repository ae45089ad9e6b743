// The one file that touches what node-llama-cpp keeps to itself. Its evaluator does not keep batches full and erases the
// beginning of a context that overflows, so the engine drives the library's primitives; they are internal, the package is
// pinned to one exact version, and `test/models/llama-adapter.test.ts` notices a version that changed them.
import type { Llama, LlamaModel } from "node-llama-cpp";

/** The native sampler's settings; a field left out switches that sampler off. */
export interface NativeSamplerConfig {
  /** 0 = greedy. */
  readonly temperature: number;
  readonly topK?: number;
  readonly topP?: number;
  readonly minP?: number;
  /** Below 2^32 - 1, which means "random" to llama.cpp. */
  readonly seed: number;
  /** Tokens the penalties begin with; present = penalties are on. The sampler adds what it samples itself. */
  readonly repeatPenaltyTokens?: Uint32Array;
  /** Length of the window of the penalties, tokens. */
  readonly repeatPenaltyMaxTokens?: number;
  readonly repeatPenalty?: number;
  readonly repeatPenaltyPresencePenalty?: number;
  readonly repeatPenaltyFrequencyPenalty?: number;
  readonly tokenBiasKeys?: Uint32Array;
  readonly tokenBiasValues?: Float32Array;
  readonly grammarEvaluationState?: NativeGrammarState;
}

/** Which logits `sampleToken` is to return: of `tokens`, the highest, the lowest, the selected one, and the `top` highest. */
type LogitsFilter = [tokens: readonly number[], highest: boolean, lowest: boolean, selected: boolean, top: number];

/** `[token, probabilities, confidence, [id, logit, id, logit, ...], weight]`, weight = sum of exp(logit - highest). */
type SampleDetails = [
  token: number,
  probabilities: undefined,
  confidence: undefined,
  logits: number[] | undefined,
  weight: number | undefined,
];

export interface NativeSampler {
  applyConfig(config: NativeSamplerConfig): void;
  dispose(): void;
}

/** Opaque: how far a text has come in a grammar. */
export interface NativeGrammarState {
  readonly __brand: "grammar state";
}

interface NativeGrammar {
  isTextCompatible(text: string): boolean;
}

interface NativeLora {
  dispose(): Promise<void>;
}

interface NativeModel {
  init(): Promise<boolean>;
  dispose(): Promise<void>;
  loadLora(lora: NativeLora): Promise<void>;
  tokenize(text: string, specialTokens: boolean): Uint32Array;
  detokenize(tokens: Uint32Array, specialTokens?: boolean): string;
  getTokenString(token: number): string | undefined;
  getTokenAttributes(token: number): number;
  getVocabularyType(): number;
  isEogToken(token: number): boolean;
  tokenBos(): number;
  tokenEos(): number;
  prefixToken(): number;
  middleToken(): number;
  suffixToken(): number;
  shouldPrependBosToken(): boolean;
  shouldAppendEosToken(): boolean;
  getTotalParameters(): number;
  getMemoryBreakdown(): { cpuRam: number; gpuVram: number };
}

interface NativeContext {
  init(): Promise<boolean>;
  dispose(): Promise<void>;
  getContextSize(): number;
  initBatch(size: number): void;
  addToBatch(sequence: number, position: number, tokens: Uint32Array, logitIndexes: Uint32Array): Uint32Array;
  decodeBatch(): Promise<void>;
  sampleToken(logitIndex: number, sampler: NativeSampler): Promise<number>;
  sampleToken(
    logitIndex: number,
    sampler: NativeSampler,
    probabilities: boolean,
    confidence: boolean,
    logits: LogitsFilter,
    totalWeight: boolean,
  ): Promise<SampleDetails>;
  disposeSequence(sequence: number): void;
  removeTokenCellsFromSequence(sequence: number, from: number, to: number): boolean;
  copySequenceStateFromOtherSequence(target: number, source: number): Promise<number>;
  saveSequenceStateToFile(path: string, sequence: number, tokens: Uint32Array): Promise<number>;
  loadSequenceStateFromFile(path: string, sequence: number, maxTokens: number): Promise<Uint32Array>;
  getEmbedding(tokenCount: number, maxVectorSize?: number): Float64Array;
  getMemoryBreakdown(): { cpuRam: number; gpuVram: number };
  setThreads(threads: number): void;
  setLoras(loras: readonly NativeLora[], scales: readonly number[]): void;
  ensureDraftContextIsCompatibleForSpeculative(draft: NativeContext): void;
}

interface NativeSamplerConstructor {
  new (model: NativeModel): NativeSampler;
  acceptGrammarEvaluationStateToken(state: NativeGrammarState, token: number): void;
  canBeNextTokenForGrammarEvaluationState(state: NativeGrammarState, token: number): boolean;
}

interface NativeModule {
  AddonContext: new (model: NativeModel, parameters: Record<string, unknown>) => NativeContext;
  AddonSampler: NativeSamplerConstructor;
  AddonGrammar: new (grammar: string, options: { addonExports: NativeModule; rootRuleName: string }) => NativeGrammar;
  AddonGrammarEvaluationState: new (model: NativeModel, grammar: NativeGrammar) => NativeGrammarState;
  AddonModelLora: new (model: NativeModel, path: string) => NativeLora;
  getIsArchRecurrent(architecture: string): boolean | undefined;
  getIsArchHybrid(architecture: string): boolean | undefined;
  getGgmlType(name: string): number | undefined;
  systemInfo(): string;
}

export interface ContextParameters {
  /** Tokens per sequence. */
  readonly contextSize: number;
  readonly sequences: number;
  /** Tokens per decode; at least `sequences`. */
  readonly batchSize: number;
  readonly threads: number;
  readonly flashAttention: "auto" | boolean;
  readonly kvCacheType: string;
  readonly embeddings?: boolean;
  readonly loras?: readonly { readonly lora: LoadedLora; readonly scale: number }[];
}

/** An adapter that lies in memory; belongs to the model it was loaded for. */
export interface LoadedLora {
  readonly native: NativeLora;
}

/** Log-probability of one token, from the logits as the model gave them, and the likeliest tokens at its place. */
export interface TokenScore {
  readonly logprob: number;
  /** `[id, log-probability]`, likeliest first. */
  readonly top: readonly (readonly [id: number, logprob: number])[];
}

/** Calls that may overlap only when libuv has one worker, which then runs them in the order in which they were made. */
class NativeQueue {
  readonly #ordered = process.env["UV_THREADPOOL_SIZE"] === "1";
  #last: Promise<unknown> = Promise.resolve();

  /**
   * With one libuv worker (how a runner is started) the calls line up by themselves: a decode and the sampling after it
   * are handed over together and cost one round trip. With more workers they would run at the same time on the same
   * memory, so each waits for the one before.
   */
  run<T>(call: () => Promise<T>): Promise<T> {
    if (this.#ordered) return call();
    const result = this.#last.then(call, call);
    this.#last = result.then(ignore, ignore);
    return result;
  }
}

/** A model in memory. */
export class NativeModelHandle {
  readonly #bindings: NativeModule;
  readonly #model: NativeModel;
  readonly #high: LlamaModel;
  readonly #queue = new NativeQueue();

  constructor(llama: Llama, model: LlamaModel) {
    this.#high = model;
    this.#bindings = (llama as unknown as { _bindings: NativeModule })._bindings;
    this.#model = (model as unknown as { _model: NativeModel })._model;
  }

  /** Recurrent and hybrid models keep one running state: its end cannot be cut off. */
  get canTrimSequences(): boolean {
    const architecture = this.#high.architecture;
    return !(
      this.#bindings.getIsArchRecurrent(architecture) === true || this.#bindings.getIsArchHybrid(architecture) === true
    );
  }

  get vocabularyType(): number {
    return this.#model.getVocabularyType();
  }

  get parameterCount(): number {
    return this.#model.getTotalParameters();
  }

  /** Bytes of the weights, wherever they lie. */
  get memoryBytes(): number {
    const { cpuRam, gpuVram } = this.#model.getMemoryBreakdown();
    return cpuRam + gpuVram;
  }

  /** What the backend library was compiled with, e.g. the CPU's instruction sets. */
  get systemInfo(): string {
    return this.#bindings.systemInfo();
  }

  /** Special tokens by name; `undefined` where the model has none. */
  get specialTokens(): Record<"bos" | "eos" | "fimPrefix" | "fimMiddle" | "fimSuffix", number | undefined> {
    const model = this.#model;
    return {
      bos: presentToken(model.tokenBos()),
      eos: presentToken(model.tokenEos()),
      fimPrefix: presentToken(model.prefixToken()),
      fimMiddle: presentToken(model.middleToken()),
      fimSuffix: presentToken(model.suffixToken()),
    };
  }

  get prependsBos(): boolean {
    return this.#model.shouldPrependBosToken();
  }

  get appendsEos(): boolean {
    return this.#model.shouldAppendEosToken();
  }

  /** Without BOS. With `parseSpecial` the text of a control token becomes that token. */
  tokenize(text: string, parseSpecial: boolean): Uint32Array {
    return this.#model.tokenize(text, parseSpecial);
  }

  detokenize(tokens: readonly number[], showSpecial: boolean): string {
    return this.#model.detokenize(Uint32Array.from(tokens), showSpecial);
  }

  /** The token as the vocabulary spells it, e.g. `Ġthe` or `<0x0A>`. */
  tokenSpelling(token: number): string {
    return this.#model.getTokenString(token) ?? "";
  }

  tokenAttributes(token: number): number {
    return this.#model.getTokenAttributes(token);
  }

  isEndOfGeneration(token: number): boolean {
    return this.#model.isEogToken(token);
  }

  createSampler(config: NativeSamplerConfig): NativeSampler {
    const sampler = new this.#bindings.AddonSampler(this.#model);
    sampler.applyConfig(config);
    return sampler;
  }

  /** @throws Error when llama.cpp cannot parse the grammar or it has no rule `rootRule`. */
  createGrammarState(grammar: string, rootRule = "root"): NativeGrammarState {
    const { AddonGrammar, AddonGrammarEvaluationState } = this.#bindings;
    const parsed = new AddonGrammar(grammar, { addonExports: this.#bindings, rootRuleName: rootRule });
    return new AddonGrammarEvaluationState(this.#model, parsed);
  }

  grammarAllows(state: NativeGrammarState, token: number): boolean {
    return this.#bindings.AddonSampler.canBeNextTokenForGrammarEvaluationState(state, token);
  }

  /** @throws Error when the grammar does not allow `token`. */
  grammarAccept(state: NativeGrammarState, token: number): void {
    this.#bindings.AddonSampler.acceptGrammarEvaluationStateToken(state, token);
  }

  async loadLora(path: string): Promise<LoadedLora> {
    const native = new this.#bindings.AddonModelLora(this.#model, path);
    await this.#model.loadLora(native);
    return { native };
  }

  /** @throws Error when the memory does not suffice or the model refuses the parameters. */
  async createContext(parameters: ContextParameters): Promise<NativeContextHandle> {
    const kvCacheType = this.#bindings.getGgmlType(parameters.kvCacheType);
    const native = new this.#bindings.AddonContext(this.#model, {
      // Every sequence has its own cells; llama.cpp wants their number in multiples of 256.
      contextSize: Math.ceil(parameters.contextSize / 256) * 256 * parameters.sequences,
      batchSize: parameters.batchSize,
      sequences: parameters.sequences,
      threads: parameters.threads,
      flashAttention: parameters.flashAttention,
      embeddings: parameters.embeddings ?? false,
      // Without the full cache a model with a sliding window forgets the prefix that the next turn wants to reuse.
      swaFullCache: true,
      ...(kvCacheType === undefined ? {} : { kvCacheKeyType: kvCacheType, kvCacheValueType: kvCacheType }),
    });
    if (!(await native.init())) throw new Error("llama.cpp refused to create the context.");
    const loras = parameters.loras ?? [];
    if (loras.length > 0) {
      native.setLoras(
        loras.map(({ lora }) => lora.native),
        loras.map(({ scale }) => scale),
      );
    }
    return new NativeContextHandle(native, { model: this, queue: this.#queue, batchSize: parameters.batchSize });
  }

  async dispose(): Promise<void> {
    await this.#high.dispose();
  }
}

interface ContextSurroundings {
  readonly model: NativeModelHandle;
  readonly queue: NativeQueue;
  readonly batchSize: number;
}

/** The KV cache of some sequences and the means to extend it. */
export class NativeContextHandle {
  readonly #native: NativeContext;
  readonly #queue: NativeQueue;
  readonly #model: NativeModelHandle;
  /** Greedy, with nothing that changes a logit: shows what the model itself said. */
  readonly #plain: NativeSampler;
  /** Per number of alternatives a sampler that sorts only so many. */
  readonly #tops = new Map<number, NativeSampler>();
  readonly batchSize: number;
  #threads = 0;

  constructor(native: NativeContext, { model, queue, batchSize }: ContextSurroundings) {
    this.#native = native;
    this.#queue = queue;
    this.#model = model;
    this.batchSize = batchSize;
    this.#plain = model.createSampler({ temperature: 0, seed: 0 });
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

  /** The token that `sampler` picks; it also remembers it for its penalties and grammar. -1 = nothing can be picked. */
  sample(logitIndex: number, sampler: NativeSampler): Promise<number> {
    return this.#queue.run(() => this.#native.sampleToken(logitIndex, sampler));
  }

  /**
   * Log-probability of `token` and of the `topCount` likeliest, from raw logits, whatever a sampler would make of them.
   * The vocabulary is never copied or sorted: log-probability = logit - highest - ln(sum of exp(logit - highest)).
   */
  async score(logitIndex: number, { token, topCount }: { token: number; topCount: number }): Promise<TokenScore> {
    const chosen = this.#queue.run(() =>
      this.#native.sampleToken(logitIndex, this.#plain, false, false, [[token], false, false, true, 0], true),
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

  /** Forgets the positions from `from` on. False where the model cannot (see `canTrimSequences`). */
  trim(sequence: number, from: number): boolean {
    return this.#native.removeTokenCellsFromSequence(sequence, from, -1);
  }

  clear(sequence: number): void {
    this.#native.disposeSequence(sequence);
  }

  /** Makes `target` a copy of `source`; what `target` held is gone. */
  async copy(target: number, source: number): Promise<void> {
    this.clear(target);
    await this.#queue.run(() => this.#native.copySequenceStateFromOtherSequence(target, source));
  }

  /** Writes a sequence's state to a file and answers its size in bytes. */
  save(sequence: number, { path, tokens }: { path: string; tokens: readonly number[] }): Promise<number> {
    return this.#queue.run(() => this.#native.saveSequenceStateToFile(path, sequence, Uint32Array.from(tokens)));
  }

  /** The inverse of {@link save}; `sequence` must be empty. */
  async restore(sequence: number, { path, maxTokens }: { path: string; maxTokens: number }): Promise<void> {
    await this.#queue.run(() => this.#native.loadSequenceStateFromFile(path, sequence, maxTokens));
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
    this.#plain.dispose();
    for (const sampler of this.#tops.values()) sampler.dispose();
    await this.#queue.run(() => this.#native.dispose());
  }

  #topSampler(count: number): NativeSampler {
    let sampler = this.#tops.get(count);
    if (sampler === undefined) {
      // A greedy chain leaves top-k out, so this one draws; what it draws is not looked at.
      sampler = this.#model.createSampler({ temperature: 1, topK: count, seed: 0 });
      this.#tops.set(count, sampler);
    }
    return sampler;
  }
}

function presentToken(token: number): number | undefined {
  return token < 0 ? undefined : token;
}

function logitOf(pairs: readonly number[], token: number): number {
  for (let index = 0; index + 1 < pairs.length; index += 2) {
    if (pairs[index] === token) return pairs[index + 1] as number;
  }
  return -Infinity;
}

function ignore(): void {}
