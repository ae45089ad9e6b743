// A model of llama.cpp. With context.ts the only file that calls node-llama-cpp's internals. The package's own evaluator does not
// keep batches full and erases the beginning of a context that overflows, so the engine uses the primitives below it. They are not
// public: the package is pinned to one exact version, and test/models/llama/binding.test.ts fails for one that changed them.
import type { Llama } from "node-llama-cpp";
import { NativeContextHandle } from "./context.ts";
import { NativeQueue } from "./call-queue.ts";
import type {
  NativeContext,
  NativeGrammarState,
  NativeLora,
  NativeModel,
  NativeModule,
  NativeSampler,
  NativeSamplerConfig,
} from "./binding.ts";
import { SamplerPool } from "./sampler-pool.ts";
import type { NativeWeights } from "./weights.ts";

type SpecialTokenName = "bos" | "eos" | "separator" | "fimPrefix" | "fimMiddle" | "fimSuffix";

/** Numbers of `ggml_type`. */
const ggmlTypes = { f32: 0, f16: 1, q4_0: 2, q8_0: 8 } as const;

export interface ContextParameters {
  /** Tokens per sequence. */
  readonly contextSize: number;
  readonly sequences: number;
  /** Tokens per decode; at least `sequences`. */
  readonly batchSize: number;
  readonly threads: number;
  readonly flashAttention: "auto" | boolean;
  readonly kvCacheType: keyof typeof ggmlTypes;
  /** Layers with a sliding window get cells for the whole context rather than for the window and a batch. @default true */
  readonly swaFullCache?: boolean;
  readonly embeddings?: boolean;
  readonly loras?: readonly { readonly lora: LoadedLora; readonly scale: number }[];
}

/** A LoRA adapter in memory, for the model that loaded it. */
export interface LoadedLora {
  readonly native: NativeLora;
}

/** A model in memory: tokenizer, samplers, grammars, adapters, contexts. */
export class NativeModelHandle {
  readonly #bindings: NativeModule;
  readonly #model: NativeModel;
  readonly #weights: NativeWeights;
  readonly #architecture: string;
  readonly #queue = new NativeQueue();
  readonly #samplers: SamplerPool;

  /** @param architecture as the file names it */
  constructor(llama: Llama, { weights, architecture }: { weights: NativeWeights; architecture: string }) {
    this.#bindings = (llama as unknown as { _bindings: NativeModule })._bindings;
    this.#weights = weights;
    this.#model = weights.model;
    this.#architecture = architecture;
    this.#samplers = new SamplerPool(() => new this.#bindings.AddonSampler(this.#model));
  }

  /** Recurrent and hybrid models keep one running state: its end cannot be cut off. */
  get canTrimSequences(): boolean {
    const architecture = this.#architecture;
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

  /** Bytes of the weights, in main memory and on the GPU. */
  get memoryBytes(): number {
    const { cpuRam, gpuVram } = this.#model.getMemoryBreakdown();
    return cpuRam + gpuVram;
  }

  /** How llama.cpp was compiled, e.g. for which of the CPU's instruction sets. */
  get systemInfo(): string {
    return this.#bindings.systemInfo();
  }

  /** Special tokens by name; `undefined` where the model has none. */
  get specialTokens(): Record<SpecialTokenName, number | undefined> {
    const model = this.#model;
    return {
      bos: presentToken(model.tokenBos()),
      eos: presentToken(model.tokenEos()),
      separator: presentToken(model.sepToken()),
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

  /** A sampler that has sampled nothing yet; to be given back. */
  takeSampler(config: NativeSamplerConfig): NativeSampler {
    return this.#samplers.take(config);
  }

  /** To be called when no sampling with it is under way. */
  giveBackSampler(sampler: NativeSampler): void {
    this.#samplers.giveBack(sampler);
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
    return new NativeContextHandle(await this.#openContext(parameters), {
      samplers: this.#samplers,
      createCheckpoint: () => new this.#bindings.AddonContextSequenceCheckpoint(),
      reopen: (sequences) => this.#openContext({ ...parameters, sequences }),
      queue: this.#queue,
      batchSize: parameters.batchSize,
      sequences: parameters.sequences,
      contextSize: parameters.contextSize,
    });
  }

  async dispose(): Promise<void> {
    this.#samplers.dispose();
    await this.#weights.dispose();
  }

  async #openContext(parameters: ContextParameters): Promise<NativeContext> {
    const kvCacheType = ggmlTypes[parameters.kvCacheType];
    const native = new this.#bindings.AddonContext(this.#model, {
      // Every sequence has its own cells; llama.cpp wants their number in multiples of 256.
      contextSize: Math.ceil(parameters.contextSize / 256) * 256 * parameters.sequences,
      batchSize: parameters.batchSize,
      sequences: parameters.sequences,
      threads: parameters.threads,
      flashAttention: parameters.flashAttention,
      embeddings: parameters.embeddings ?? false,
      swaFullCache: parameters.swaFullCache ?? true,
      kvCacheKeyType: kvCacheType,
      kvCacheValueType: kvCacheType,
    });
    if (!(await native.init())) throw new Error("llama.cpp refused to create the context.");
    const loras = parameters.loras ?? [];
    if (loras.length > 0) {
      native.setLoras(
        loras.map(({ lora }) => lora.native),
        loras.map(({ scale }) => scale),
      );
    }
    return native;
  }
}

function presentToken(token: number): number | undefined {
  return token < 0 ? undefined : token;
}
