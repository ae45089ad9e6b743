// What the slots of a model are made from: its context, and what its kind of state allows.
import type { NativeContextHandle } from "../../native/context.ts";
import type { PromptCache } from "./prompt-cache.ts";

export interface SlotsOptions {
  readonly context: NativeContextHandle;
  readonly parallel: number;
  /** Tokens per slot. */
  readonly contextSize: number;
  /** False for models whose state cannot be cut at its end. */
  readonly canTrim: boolean;
  /** Positions to which some of the model's layers attend, where the file tells a sliding window; else `Infinity`. */
  readonly window: number;
  /** Flash attention is off, so that the cells of a prompt are computed by the same kernels however it is cut (prompt-shape.ts). */
  readonly isUniform: boolean;
  readonly promptCache: PromptCache | undefined;
  /** Bytes of memory for checkpoints; 0 where every state can be cut. */
  readonly checkpointBytes: number;
}
