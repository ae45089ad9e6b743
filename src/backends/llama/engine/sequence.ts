// One choice on its way through the engine: what it was asked for, how far it has come, and whom it tells.
import { performance } from "node:perf_hooks";
import type { TokenScore } from "../native/context.ts";
import type { NativeGrammarState, NativeSampler } from "../native/binding.ts";
import type { SamplerPlan } from "./sampler-config.ts";

/** Why a choice came to its end: the model ended it, the limit was reached, or the receiver had enough. */
export type EndReason = "end-token" | "length" | "receiver";

/** Who takes the tokens. Called from the decode loop, mostly while the next batch is being computed; must not throw. */
export interface GenerationReceiver {
  /** All tokens of the prompt are evaluated; with `scorePrompt` the score of every token but the first. */
  onPrompt(scores: readonly TokenScore[]): void;
  /** A generated token; `true` = enough, nothing more is wanted. */
  onToken(token: number, score: TokenScore | undefined): boolean;
  onEnd(reason: EndReason): void;
  onError(error: unknown): void;
  /** True while the reader is behind: the sequence waits, the others go on. */
  readonly isFull: boolean;
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

export interface GenerationRequest {
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
  readonly receiver: GenerationReceiver;
}

export type GenerationPhase = "waiting" | "prompt" | "decoding" | "ended";

/** State of one choice. Only the engine changes it. */
export class Generation {
  readonly request: GenerationRequest;
  /** The choice whose prompt this one shares: it starts when that prompt is evaluated, from a copy of its state. */
  readonly leader: Generation | undefined;
  phase: GenerationPhase = "waiting";
  cancelled = false;
  /** Set while the choice owns a slot. */
  slot: number | undefined;
  sampler: NativeSampler | undefined;
  /** The grammar that holds now. */
  grammar: HeldGrammar | undefined;
  readonly generated: number[] = [];
  readonly promptScores: TokenScore[] = [];
  /** The sampled token that is not evaluated yet. */
  nextToken = -1;
  /** Guesses for the next step. */
  guessed: readonly number[] = [];
  /** The receiver has heard the end or an error: nothing more is delivered. */
  receiverDone = false;
  cachedTokens = 0;
  acceptedGuesses = 0;
  rejectedGuesses = 0;
  readonly submittedAt = performance.now();
  startedAt: number | undefined;
  promptDoneAt: number | undefined;
  endedAt: number | undefined;

  constructor(request: GenerationRequest, leader: Generation | undefined) {
    this.request = request;
    this.leader = leader;
    this.grammar = request.grammar;
  }

  /** A choice that shares a prompt waits for the first one to have read it, unless that one is gone. */
  get isReadyToStart(): boolean {
    return this.leader === undefined || this.leader.phase === "decoding" || this.leader.phase === "ended";
  }

  get promptLength(): number {
    return this.request.prompt.length;
  }
}
