// Guesses by a smaller model of the same vocabulary (speculative decoding). It has a context of its own with a sequence for every
// slot of the large model, from which rejected guesses are cut off. All slots are drafted together, a token of each per step.
import type { NativeModelHandle } from "../native/model.ts";
import type { NativeContextHandle } from "../native/context.ts";
import type { NativeSampler } from "../native/binding.ts";
import type { SequenceView } from "../engine/sequence.ts";
import { guessLimit } from "./prompt-lookup.ts";
import { type Guesser } from "../engine/guesser.ts";
import { commonPrefixLength } from "../tokens/common-prefix.ts";

export interface DraftParts {
  readonly model: NativeModelHandle;
  readonly context: NativeContextHandle;
  readonly threads: number;
  readonly parallel: number;
  readonly isEndOfGeneration: (token: number) => boolean;
}

/** Tokens drafted for each batch of the large model. */
export const draftLength = 6;

interface Drafting {
  readonly slot: number;
  /** Tokens that the draft's sequence has to hold before its first guess: prompt and answer so far. */
  readonly wanted: readonly number[];
  readonly limit: number;
  readonly guessed: number[];
}

export class DraftGuesser implements Guesser {
  readonly #parts: DraftParts;
  readonly #sampler: NativeSampler;
  /** Tokens that the draft's sequences hold, by slot. */
  readonly #held: number[][];

  constructor(parts: DraftParts) {
    this.#parts = parts;
    this.#sampler = parts.model.takeSampler({ temperature: 0, seed: 0 });
    this.#held = Array.from({ length: parts.parallel }, () => []);
  }

  get memoryBytes(): number {
    return this.#parts.model.memoryBytes + this.#parts.context.memoryBytes;
  }

  async guess(sequences: readonly SequenceView[]): Promise<readonly (readonly number[])[]> {
    const drafts = sequences.map((sequence): Drafting | undefined => {
      const limit = Math.min(draftLength, guessLimit(sequence));
      if (limit === 0 || sequence.slot === undefined) return undefined;
      const wanted = sequence.request.prompt.concat(sequence.generated);
      return { slot: sequence.slot, wanted, limit, guessed: [] };
    });
    const drafting = drafts.filter((draft) => draft !== undefined);
    if (drafting.length > 0) await this.#draft(drafting);
    return drafts.map((draft) => draft?.guessed ?? []);
  }

  async dispose(): Promise<void> {
    this.#parts.model.giveBackSampler(this.#sampler);
    await this.#parts.context.dispose();
    await this.#parts.model.dispose();
  }

  async #draft(drafting: readonly Drafting[]): Promise<void> {
    this.#parts.context.setThreads(this.#parts.threads);
    let open = await this.#catchUp(drafting);
    for (;;) {
      open = open.filter(({ guessed, limit }) => guessed.length < limit && !this.#hasEnded(guessed));
      if (open.length === 0) return;
      await this.#decode(open.map((draft) => ({ draft, tokens: [draft.guessed.at(-1) as number], wantsGuess: true })));
    }
  }

  #hasEnded(guessed: readonly number[]): boolean {
    const last = guessed.at(-1);
    return last === undefined || this.#parts.isEndOfGeneration(last);
  }

  /** Evaluates what the draft's sequences lack of the large model's, and takes the first guess of each. */
  async #catchUp(drafting: readonly Drafting[]): Promise<Drafting[]> {
    const { context } = this.#parts;
    const behind = drafting.map((draft) => {
      const held = this.#held[draft.slot] as number[];
      const keep = Math.min(commonPrefixLength(held, draft.wanted), draft.wanted.length - 1);
      if (keep < held.length) {
        if (keep > 0 && context.trim(draft.slot, keep)) held.length = keep;
        else {
          context.clear(draft.slot);
          held.length = 0;
        }
      }
      return draft;
    });
    for (const draft of behind) {
      const held = this.#held[draft.slot] as number[];
      // All but the last stretch, which is decoded in one batch with those of the others.
      while (draft.wanted.length - held.length > context.batchSize / behind.length) {
        const count = Math.min(context.batchSize, draft.wanted.length - held.length - 1);
        if (count <= 0) break;
        const tokens = draft.wanted.slice(held.length, held.length + count);
        await this.#decode([{ draft, tokens, wantsGuess: false }]);
      }
    }
    await this.#decode(
      behind.map((draft) => ({
        draft,
        tokens: draft.wanted.slice((this.#held[draft.slot] as number[]).length),
        wantsGuess: true,
      })),
    );
    return [...behind];
  }

  async #decode(parts: readonly { draft: Drafting; tokens: readonly number[]; wantsGuess: boolean }[]): Promise<void> {
    const { context } = this.#parts;
    context.beginBatch(parts.reduce((sum, { tokens }) => sum + tokens.length, 0));
    const places = parts.map(({ draft, tokens, wantsGuess }) => {
      const held = this.#held[draft.slot] as number[];
      const [place] = context.addToBatch(draft.slot, {
        position: held.length,
        tokens: Uint32Array.from(tokens),
        logitsFor: wantsGuess ? Uint32Array.of(tokens.length - 1) : new Uint32Array(0),
      });
      return place;
    });
    const decoded = context.decode();
    const sampled = places.map((place) => (place === undefined ? undefined : context.sample(place, this.#sampler)));
    await decoded;
    for (const [index, { draft, tokens }] of parts.entries()) {
      for (const token of tokens) (this.#held[draft.slot] as number[]).push(token);
      const token = await sampled[index];
      if (token !== undefined && token >= 0) draft.guessed.push(token);
    }
  }
}
