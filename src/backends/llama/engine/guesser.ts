// What the engine asks for guesses at the next tokens. The guessers themselves are in `speculative/`.
import type { SequenceView } from "./sequence.ts";

export interface Guesser {
  /** Guesses for sequences that are about to decode, in their order; an empty list where none is worth it. */
  guess(sequences: readonly SequenceView[]): Promise<readonly (readonly number[])[]>;
  /** Bytes that it holds. */
  readonly memoryBytes?: number;
  dispose?(): Promise<void>;
}
