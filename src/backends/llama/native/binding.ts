// Types of node-llama-cpp's internals, as far as model.ts and context.ts use them. The names are the library's, version 3.22.1
// (`dist/bindings/AddonTypes.d.ts`, `llama/addon/*.cpp`).

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
export type LogitsFilter = [
  tokens: readonly number[],
  highest: boolean,
  lowest: boolean,
  selected: boolean,
  top: number,
];

/** `[token, probabilities, confidence, [id, logit, id, logit, ...], weight]`, weight = sum of exp(logit - highest). */
export type SampleDetails = [
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

export interface NativeGrammar {
  isTextCompatible(text: string): boolean;
}

export interface NativeLora {
  dispose(): Promise<void>;
}

export interface NativeModel {
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
  sepToken(): number;
  prefixToken(): number;
  middleToken(): number;
  suffixToken(): number;
  shouldPrependBosToken(): boolean;
  shouldAppendEosToken(): boolean;
  getTotalParameters(): number;
  getMemoryBreakdown(): { cpuRam: number; gpuVram: number };
}

export interface NativeContext {
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
  getSequenceKvCacheMinPosition(sequence: number): number;
  copySequenceStateFromOtherSequence(target: number, source: number): Promise<number>;
  saveSequenceStateToFile(path: string, sequence: number, tokens: Uint32Array): Promise<number>;
  loadSequenceStateFromFile(path: string, sequence: number, maxTokens: number): Promise<Uint32Array>;
  /** False where the sequence does not end at `lastPosition` afterwards. */
  restoreCheckpoint(checkpoint: NativeCheckpoint, lastPosition: number, sequence: number): Promise<boolean>;
  getEmbedding(tokenCount: number, maxVectorSize?: number): Float64Array;
  getMemoryBreakdown(): { cpuRam: number; gpuVram: number };
  setThreads(threads: number): void;
  setLoras(loras: readonly NativeLora[], scales: readonly number[]): void;
  ensureDraftContextIsCompatibleForSpeculative(draft: NativeContext): void;
}

/** What of a sequence's state cannot be cut: running states, and the cells of a sliding window. */
export interface NativeCheckpoint {
  init(context: NativeContext, sequence: number): Promise<void>;
  dispose(): void;
  /** Bytes. */
  readonly size: number;
}

export interface NativeSamplerConstructor {
  new (model: NativeModel): NativeSampler;
  acceptGrammarEvaluationStateToken(state: NativeGrammarState, token: number): void;
  canBeNextTokenForGrammarEvaluationState(state: NativeGrammarState, token: number): boolean;
}

export interface NativeModule {
  AddonContext: new (model: NativeModel, parameters: Record<string, unknown>) => NativeContext;
  AddonContextSequenceCheckpoint: new () => NativeCheckpoint;
  AddonSampler: NativeSamplerConstructor;
  AddonGrammar: new (grammar: string, options: { addonExports: NativeModule; rootRuleName: string }) => NativeGrammar;
  AddonGrammarEvaluationState: new (model: NativeModel, grammar: NativeGrammar) => NativeGrammarState;
  AddonModelLora: new (model: NativeModel, path: string) => NativeLora;
  getIsArchRecurrent(architecture: string): boolean | undefined;
  getIsArchHybrid(architecture: string): boolean | undefined;
  systemInfo(): string;
}
