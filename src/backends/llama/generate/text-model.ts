// What chat and completion need of a loaded model: its engine, its vocabulary, and the checks that every request passes.
import { ServerError } from "../../../domain/errors.ts";
import type { TextModelOptions } from "../../../domain/model.ts";
import type { OutputConstraint, SamplingOptions } from "../../../domain/sampling.ts";
import type { NativeGrammarState } from "../native/binding.ts";
import type { NativeModelHandle } from "../native/model.ts";
import { contextLengthExceeded, type LengthQuestion } from "../tokens/token-limits.ts";
import type { Engine } from "../engine/engine.ts";
import type { ActiveGrammar } from "../engine/sequence.ts";
import { bannedUnder, type ControlText } from "../guided/banned-tokens.ts";
import { GrammarCompiler } from "../guided/grammar-compiler.ts";
import { TextTokenizer, TokenLimitError } from "../tokens/tokenizer.ts";
import type { Utf8Guard } from "../tokens/utf8-guard.ts";
import type { SpecialToken, Vocabulary } from "../tokens/vocabulary.ts";

export interface TextModelParts {
  readonly options: TextModelOptions;
  readonly native: NativeModelHandle;
  readonly engine: Engine;
  readonly vocabulary: Vocabulary;
  /** The engine's. */
  readonly utf8: Utf8Guard;
  /** Tokens per slot. */
  readonly contextSize: number;
  /** Tokens guessed per step for every choice; 0 = no speculation. */
  readonly guesses: number;
  /** The model's state can be cut at its end, which checking guesses needs. */
  readonly canTrim: boolean;
}

export class TextModel implements Omit<TextModelParts, "utf8"> {
  readonly options: TextModelOptions;
  readonly native: NativeModelHandle;
  readonly engine: Engine;
  readonly vocabulary: Vocabulary;
  readonly tokenizer: TextTokenizer;
  readonly grammars: GrammarCompiler;
  #specialTokens: readonly SpecialToken[] | undefined;
  readonly contextSize: number;
  readonly guesses: number;
  readonly canTrim: boolean;

  constructor(parts: TextModelParts) {
    this.options = parts.options;
    this.native = parts.native;
    this.engine = parts.engine;
    this.vocabulary = parts.vocabulary;
    this.tokenizer = new TextTokenizer(parts.vocabulary);
    this.grammars = new GrammarCompiler({ prepare: () => parts.utf8.prepare() });
    this.contextSize = parts.contextSize;
    this.guesses = parts.guesses;
    this.canTrim = parts.canTrim;
  }

  /**
   * Runs `read`, which makes the tokens of a prompt.
   * @throws ServerError `context_length_exceeded` where `read` throws a TokenLimitError
   */
  async readPrompt<T>(read: () => Promise<T>, limits: Pick<LengthQuestion, "requested" | "field">): Promise<T> {
    try {
      return await read();
    } catch (error) {
      if (!(error instanceof TokenLimitError)) throw error;
      const { contextSize } = this;
      throw contextLengthExceeded({ ...limits, promptTokens: error.atLeast, isLowerBound: true, contextSize });
    }
  }

  /** @throws ServerError `invalid_value` when a biased token id is not the model's, `unsupported_parameter` for `reproducible`. */
  assertSampling({ logitBias = [], reproducible }: SamplingOptions): void {
    // It cannot be had for one request: the context's attention, and the cells that other requests have left, are those of the model.
    if (reproducible === true && !this.options.reproducible) {
      throw new ServerError("unsupported_parameter", {
        message:
          "'{sampling.reproducible}' needs a model that is configured with 'reproducible: true'; this one is not.",
        param: "sampling.reproducible",
      });
    }
    const stranger = logitBias.find(
      ([token]) => !Number.isInteger(token) || token < 0 || token >= this.vocabulary.size,
    );
    if (stranger === undefined) return;
    throw new ServerError("invalid_value", {
      message: `Token id ${stranger[0]} in '{sampling.logitBias}' is outside this model's vocabulary, whose ids are 0 to ${this.vocabulary.size - 1}.`,
      param: "sampling.logitBias",
    });
  }

  /**
   * Compiles a constraint. The function returned makes a fresh grammar for each choice; `undefined` = no constraint. What is not
   * enforced of it is added to `warnings`.
   * @throws ServerError `unsupported_schema` or `invalid_value` where no grammar can enforce it; the signal's reason
   */
  async compileConstraint(
    constraint: OutputConstraint,
    { signal, warnings }: { readonly signal: AbortSignal; readonly warnings: string[] },
  ): Promise<(() => ActiveGrammar) | undefined> {
    if (constraint.type === "text") return undefined;
    const { controlTokens } = this;
    const { grammar, ...compiled } = await this.grammars.compile({ type: "constraint", constraint }, signal);
    warnings.push(...compiled.warnings);
    const callers = constraint.type === "grammar" ? grammar : undefined;
    const banned = bannedUnder(grammar, { controlTokens, callers });
    const create = this.stateFactory({ text: grammar, isCallers: constraint.type === "grammar" });
    return () => ({ state: create(), banned });
  }

  /** Control, unknown and user-defined tokens. */
  get specialTokens(): readonly SpecialToken[] {
    this.#specialTokens ??= this.vocabulary.specialTokens();
    return this.#specialTokens;
  }

  /** Control tokens that do not end an answer. */
  get controlTokens(): readonly ControlText[] {
    return this.specialTokens.filter(({ id, isControl }) => isControl && !this.vocabulary.isEndOfGeneration(id));
  }

  /** Tokens that end an answer. */
  get endTokens(): readonly number[] {
    const { eos } = this.vocabulary;
    const ends = this.specialTokens.map(({ id }) => id).filter((id) => this.vocabulary.isEndOfGeneration(id));
    return eos === undefined || ends.includes(eos) ? ends : [...ends, eos];
  }

  /**
   * The function returned makes a fresh state of the grammar, one per choice.
   * @throws ServerError `invalid_value` when llama.cpp cannot read a caller's grammar; Error when it cannot read one that was made
   *   here, which is a fault of the server
   */
  stateFactory({ text, isCallers, rootRule = "root" }: GrammarSource): () => NativeGrammarState {
    const create = (): NativeGrammarState => this.native.createGrammarState(text, rootRule);
    try {
      // The first state is made here, so that a grammar that cannot be read is refused before the request is accepted.
      let first: NativeGrammarState | undefined = create();
      return () => {
        const state = first ?? create();
        first = undefined;
        return state;
      };
    } catch (error) {
      if (!isCallers) throw new Error("llama.cpp cannot read a grammar that was compiled here.", { cause: error });
      throw new ServerError(
        "invalid_value",
        {
          message: "The grammar cannot be parsed: it must be GBNF with a rule named 'root'.",
          param: "constraint.grammar",
        },
        { cause: error },
      );
    }
  }
}

export interface GrammarSource {
  /** GBNF. */
  readonly text: string;
  /** The caller wrote the grammar: what is wrong with it is told to them. */
  readonly isCallers: boolean;
  /** @default "root" */
  readonly rootRule?: string | undefined;
}
