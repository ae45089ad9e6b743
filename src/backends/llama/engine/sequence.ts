// The state of one choice in the engine: its request, its progress, and the receiver that is told of both tokens and end.
import { performance } from "node:perf_hooks";
import type { NativeGrammarState, NativeSampler } from "../native/binding.ts";
import type { TokenScore } from "../native/context.ts";
import type { Utf8Guard, Utf8State } from "../tokens/utf8-guard.ts";
import type { SamplerPlan } from "./sampler-config.ts";

/**
 * Why a choice ended: the model ended it, it was cut off (by the limit, or because its grammar and its vocabulary leave no token), or
 * the receiver had enough.
 */
export type EndReason = "end-token" | "length" | "receiver";

/**
 * Takes the tokens of one choice. Called from the decode loop, mostly while the next batch is computed. What the other methods throw
 * ends this choice alone and goes to `onError`, which must not throw.
 */
export interface TokenReceiver {
  /** All tokens of the prompt are evaluated. `scores`: with `scorePrompt` one for every token but the first, else none. */
  onPrompt(scores: readonly TokenScore[]): void;
  /** A generated token; `true` = enough, nothing more is wanted. */
  onToken(token: number, score: TokenScore | undefined): boolean;
  onEnd(reason: EndReason): void;
  onError(error: unknown): void;
  /** True while the reader has granted no credit: the sequence waits, the others go on. */
  readonly isPaused: boolean;
}

/** What constrains the sampling of an answer beside the request's own settings. */
export interface ActiveGrammar {
  /** Left out = any text is allowed. */
  readonly state?: NativeGrammarState;
  /** Tokens that are banned, whatever the grammar makes of their text. */
  readonly banned: readonly number[];
  /** The one token that comes next, whatever the model would choose. */
  readonly forced?: number;
}

/**
 * Decides where in an answer a grammar begins to constrain it (a lazy grammar, in llama.cpp's words), and what is banned or forced
 * before that. Asked after every token, before the next one is computed.
 */
export interface GrammarGate {
  /**
   * `undefined` = nothing changes. Otherwise `grammar` constrains the answer from now on, or nothing does; with `again` it does not
   * allow the token just sampled, which is sampled anew.
   */
  next(token: number): { readonly grammar: ActiveGrammar | undefined; readonly again: boolean } | undefined;
  /** Nothing will change any more: the gate need not be asked. */
  readonly settled: boolean;
}

export interface SequenceRequest {
  readonly prompt: readonly number[];
  /** 0 = only the prompt is evaluated. */
  readonly maxNewTokens: number;
  readonly sampler: SamplerPlan;
  /** Constrains the answer from the first token on. */
  readonly grammar?: ActiveGrammar;
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
 * `waiting` for a slot, evaluating its `prompt`, `decoding`, and `ended`. An ended sequence keeps its slot until the engine's next
 * turn.
 */
export type SequencePhase = "waiting" | "prompt" | "decoding" | "ended";

/** A sequence as everything outside the engine sees it. */
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
  readonly grammar: ActiveGrammar | undefined;
  readonly generated: readonly number[];
  /** Tokens that would break the code point which the last token has begun, or that are never well-formed. */
  readonly illFormed: readonly number[];
  readonly promptScores: readonly TokenScore[];
  /** The sampled token that is not evaluated yet. */
  readonly nextToken: number;
  /** Guesses for the next step. */
  readonly guessed: readonly number[];
  /** Tokens of the prompt whose state was reused. */
  readonly cachedTokens: number;
  readonly acceptedGuesses: number;
  readonly rejectedGuesses: number;
  /** Milliseconds of the process's clock when the sequence was submitted, got its slot, had its prompt evaluated, and ended. */
  readonly submittedAt: number;
  readonly startedAt: number | undefined;
  readonly promptDoneAt: number | undefined;
  readonly endedAt: number | undefined;
}

/**
 * The state of one sequence, to be changed by the engine. Files outside of `engine/` get it as a {@link SequenceView}
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
  grammar: ActiveGrammar | undefined;
  readonly generated: number[] = [];
  #utf8State: Utf8State = 0;
  illFormed: readonly number[] = [];
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

  /** False while the sequence whose prompt this one shares has yet to evaluate it. */
  get isReadyToStart(): boolean {
    return this.leader === undefined || this.leader.phase === "decoding" || this.leader.phase === "ended";
  }

  /** Notes the code point that a generated token has begun; true where that changes which tokens are ill-formed. */
  followBytes(token: number, utf8: Utf8Guard | undefined): boolean {
    if (utf8 === undefined) return false;
    const before = this.illFormed;
    this.#utf8State = utf8.after(this.#utf8State, token);
    this.illFormed = utf8.bannedIn(this.#utf8State);
    return this.illFormed !== before;
  }

  /** Idempotent: the first end counts. */
  end(): void {
    this.phase = "ended";
    this.endedAt ??= performance.now();
  }
}
