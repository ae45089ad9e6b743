// One choice on its way through the engine: what it was asked for, how far it has come, and whom it tells.
import { performance } from "node:perf_hooks";
import type { NativeGrammarState, NativeSampler } from "../native/binding.ts";
import type { TokenScore } from "../native/context.ts";
import type { SamplerPlan } from "./sampler-config.ts";

/** Why a choice came to its end: the model ended it, the limit was reached, or the receiver had enough. */
export type EndReason = "end-token" | "length" | "receiver";

/** Who takes the tokens. Called from the decode loop, mostly while the next batch is being computed; must not throw. */
export interface TokenReceiver {
  /** All tokens of the prompt are evaluated; with `scorePrompt` the score of every token but the first. */
  onPrompt(scores: readonly TokenScore[]): void;
  /** A generated token; `true` = enough, nothing more is wanted. */
  onToken(token: number, score: TokenScore | undefined): boolean;
  onEnd(reason: EndReason): void;
  onError(error: unknown): void;
  /** True while the reader has granted no credit: the sequence waits, the others go on. */
  readonly isPaused: boolean;
}

/** A grammar that holds, and the tokens that may not come meanwhile, whatever the grammar makes of their text. */
export interface HeldGrammar {
  readonly state: NativeGrammarState;
  readonly banned: readonly number[];
}

/** A grammar that begins to hold in the middle of an answer. Asked after every token, before the next one is computed. */
export interface GrammarGate {
  /**
   * `undefined` = go on as before. Otherwise `grammar` holds from now on; with `again` the token just sampled is not
   * allowed by it and is sampled anew.
   */
  next(token: number): { readonly grammar: HeldGrammar; readonly again: boolean } | undefined;
  /** The gate has opened or never will: it need not be asked any more. */
  readonly settled: boolean;
}

export interface SequenceRequest {
  readonly prompt: readonly number[];
  /** 0 = only the prompt is evaluated. */
  readonly maxNewTokens: number;
  readonly sampler: SamplerPlan;
  /** A grammar that holds from the first token on. */
  readonly grammar?: HeldGrammar;
  readonly gate?: GrammarGate;
  /** Alternatives to score per token; `undefined` = no scores at all. */
  readonly topCount?: number;
  readonly scorePrompt: boolean;
  /** Tokens to guess per step; 0 = no speculation. */
  readonly guesses: number;
  /** Tokens that the answer is expected to contain, to guess from. */
  readonly expected?: readonly number[];
  readonly receiver: TokenReceiver;
}

/**
 * `waiting` for a slot, evaluating its `prompt`, `decoding`, and `ended`. A sequence keeps its slot for a moment after its end,
 * until the engine's next turn.
 */
export type SequencePhase = "waiting" | "prompt" | "decoding" | "ended";

/** A sequence as everybody but the engine sees it. */
export interface SequenceView {
  readonly request: SequenceRequest;
  /** The sequence whose prompt this one shares: it starts when that prompt is evaluated, from a copy of its state. */
  readonly leader: SequenceView | undefined;
  readonly phase: SequencePhase;
  readonly isCancelled: boolean;
  /** True from the end or the error that the receiver is told; nothing more is delivered then. */
  readonly isDelivered: boolean;
  /** Set while the sequence owns a slot. */
  readonly slot: number | undefined;
  readonly sampler: NativeSampler | undefined;
  /** The grammar that holds now. */
  readonly grammar: HeldGrammar | undefined;
  readonly generated: readonly number[];
  readonly promptScores: readonly TokenScore[];
  /** The sampled token that is not evaluated yet. */
  readonly nextToken: number;
  /** Guesses for the next step. */
  readonly guessed: readonly number[];
  /** Tokens of the prompt whose state was reused. */
  readonly cachedTokens: number;
  readonly acceptedGuesses: number;
  readonly rejectedGuesses: number;
  /** Milliseconds of the process's clock, when the sequence was submitted, got its slot, had read its prompt, and ended. */
  readonly submittedAt: number;
  readonly startedAt: number | undefined;
  readonly promptDoneAt: number | undefined;
  readonly endedAt: number | undefined;
}

/**
 * The state of one sequence. Only the engine holds it as what it is; everybody else gets a {@link SequenceView}
 * (test/architecture.test.ts).
 */
export class Sequence implements SequenceView {
  readonly request: SequenceRequest;
  readonly leader: Sequence | undefined;
  phase: SequencePhase = "waiting";
  isCancelled = false;
  isDelivered = false;
  slot: number | undefined;
  sampler: NativeSampler | undefined;
  grammar: HeldGrammar | undefined;
  readonly generated: number[] = [];
  readonly promptScores: TokenScore[] = [];
  nextToken = -1;
  guessed: readonly number[] = [];
  cachedTokens = 0;
  acceptedGuesses = 0;
  rejectedGuesses = 0;
  readonly submittedAt = performance.now();
  startedAt: number | undefined;
  promptDoneAt: number | undefined;
  endedAt: number | undefined;

  constructor(request: SequenceRequest, leader: Sequence | undefined) {
    this.request = request;
    this.leader = leader;
    this.grammar = request.grammar;
  }

  /** A sequence that shares a prompt waits for the first one to have read it, unless that one is gone. */
  get isReadyToStart(): boolean {
    return this.leader === undefined || this.leader.phase === "decoding" || this.leader.phase === "ended";
  }

  /** Idempotent: the first end counts. */
  end(): void {
    this.phase = "ended";
    this.endedAt ??= performance.now();
  }
}
