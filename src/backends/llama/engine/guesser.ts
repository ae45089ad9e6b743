// What the engine asks for guesses at the next tokens. The guessers themselves are in `speculative/`.
import type { Generation } from "./sequence.ts";

export interface Guesser {
  /** Sets `guessed` of every generation that is about to decode. */
  guess(generations: readonly Generation[]): Promise<void>;
  /** Bytes that it holds. */
  readonly memoryBytes?: number;
  dispose?(): Promise<void>;
}
