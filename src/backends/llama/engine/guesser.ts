// The engine's contract for guesses at the next tokens; `speculative/` has the implementations.
import type { SequenceView } from "./sequence.ts";

export interface Guesser {
  /** A list of guesses for each sequence that is about to decode, in their order; empty where none is worth checking. */
  guess(sequences: readonly SequenceView[]): Promise<readonly (readonly number[])[]>;
  /** Bytes of its model and its context. @default 0 */
  readonly memoryBytes?: number;
  dispose?(): Promise<void>;
}
