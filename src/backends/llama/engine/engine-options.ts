// What the engine is made of, and what it gives to those who submit requests to it.
import type { BackendContext } from "../../../domain/backend.ts";
import type { NativeModelHandle } from "../native/model.ts";
import type { ThreadChoice } from "../native/thread-tuner.ts";
import type { Utf8Guard } from "../tokens/utf8-guard.ts";
import type { Guesser } from "./guesser.ts";
import type { SequenceView } from "./sequence.ts";
import type { SlotsOptions } from "./slots/slots-options.ts";

export interface EngineOptions extends SlotsOptions {
  readonly model: NativeModelHandle;
  readonly isEndOfGeneration: (token: number) => boolean;
  readonly vocabularySize: number;
  /** Requests that may wait for a slot. */
  readonly maxQueue: number;
  readonly threads: ThreadChoice;
  readonly guesser: Guesser | undefined;
  /** Most slots that the engine may come to have; `parallel` where their number is fixed. */
  readonly maxParallel: number;
  /** States can move to a larger context. */
  readonly canCarry: boolean;
  readonly log: BackendContext["log"];
  /** Bans ill-formed UTF-8 where a grammar is active; left out = nothing is banned. */
  readonly utf8?: Utf8Guard;
  /** Answers do not depend on what is computed beside them. */
  readonly reproducible: boolean;
  /** No two sequences are computed in one pass. */
  readonly apart: boolean;
}

/** The choices of one request in the engine. */
export interface Submission {
  readonly sequences: readonly SequenceView[];
  /** Frees their slots before the next batch; their receivers hear nothing more. */
  cancel(): void;
}
