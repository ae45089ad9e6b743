// A generating model as the operations see it: its engine, its vocabulary, and the checks that every request passes.
import { ServerError } from "../../../domain/errors.ts";
import type { TextModelOptions } from "../../../domain/model.ts";
import type { OutputConstraint, SamplingOptions } from "../../../domain/sampling.ts";
import type { NativeModelHandle } from "../native/model.ts";
import { contextLengthExceeded, type LengthQuestion } from "../tokens/token-limits.ts";
import type { Engine } from "../engine/engine.ts";
import type { HeldGrammar } from "../engine/sequence.ts";
import { bannedUnder, type ControlText } from "../guided/banned-tokens.ts";
import { GrammarCompiler } from "../guided/grammar-compiler.ts";
import { TextTokenizer, TokenLimitError } from "../tokens/tokenizer.ts";
import type { Vocabulary } from "../tokens/vocabulary.ts";

export interface TextModelParts {
  readonly options: TextModelOptions;
  readonly native: NativeModelHandle;
  readonly engine: Engine;
  readonly vocabulary: Vocabulary;
  /** Tokens per sequence. */
  readonly contextSize: number;
  /** Tokens guessed per step for every choice; 0 = no speculation. */
  readonly guesses: number;
  /** The model's state can be cut at its end, which checking guesses needs. */
  readonly canTrim: boolean;
}

export class TextModel implements TextModelParts {
  readonly options: TextModelOptions;
  readonly native: NativeModelHandle;
  readonly engine: Engine;
  readonly vocabulary: Vocabulary;
  readonly tokenizer: TextTokenizer;
  readonly grammars = new GrammarCompiler();
  #controlTokens: readonly ControlText[] | undefined;
  readonly contextSize: number;
  readonly guesses: number;
  readonly canTrim: boolean;

  constructor(parts: TextModelParts) {
    this.options = parts.options;
    this.native = parts.native;
    this.engine = parts.engine;
    this.vocabulary = parts.vocabulary;
    this.tokenizer = new TextTokenizer(parts.vocabulary);
    this.contextSize = parts.contextSize;
    this.guesses = parts.guesses;
    this.canTrim = parts.canTrim;
  }

  /**
   * Reads a prompt by `read`, which may give up on one that is far too long.
   * @throws ServerError `context_length_exceeded` in that case
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

  /** @throws ServerError `invalid_value` when a biased token id is not the model's. */
  assertLogitBias({ logitBias = [] }: SamplingOptions): void {
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
   * Makes fresh grammars for a constraint, one per choice; `undefined` = no constraint.
   * @throws ServerError `unsupported_schema` or `invalid_value` for what no grammar can hold.
   */
  async compileConstraint(constraint: OutputConstraint, signal: AbortSignal): Promise<(() => HeldGrammar) | undefined> {
    if (constraint.type === "text") return undefined;
    const { controlTokens } = this;
    const grammar = await this.grammars.compile({ type: "constraint", constraint }, signal);
    const banned = bannedUnder(constraint, { controlTokens, family: { keepTokens: [], dropped: [] } });
    return this.grammarFactory(grammar, { banned });
  }

  /** Tokens that stand for no text and do not end an answer. */
  get controlTokens(): readonly ControlText[] {
    this.#controlTokens ??= this.vocabulary
      .specialTokens()
      .filter(({ id, isControl }) => isControl && !this.vocabulary.isEndOfGeneration(id));
    return this.#controlTokens;
  }

  /** @throws ServerError `invalid_value` when llama.cpp cannot read the grammar. */
  grammarFactory(
    grammar: string,
    { banned, rootRule = "root" }: { readonly banned: readonly number[]; readonly rootRule?: string | undefined },
  ): () => HeldGrammar {
    const create = (): HeldGrammar => ({ state: this.native.createGrammarState(grammar, rootRule), banned });
    try {
      // The first state is made before the request is accepted: a grammar that cannot be read is refused in time.
      let first: HeldGrammar | undefined = create();
      return () => {
        const state = first ?? create();
        first = undefined;
        return state;
      };
    } catch (error) {
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
