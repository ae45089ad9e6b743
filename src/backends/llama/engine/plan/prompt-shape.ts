// How prompts are cut into the parts of batches, and which cells of an earlier prompt may stand for cells of a new one. llama.cpp's
// kernels depend on how many rows they are given, and with another kernel the last bits of a result are others: enough for a near tie
// to fall the other way. So what is computed for a prompt has the same shape whether some of it was held before or not, and a request
// that comes again gets the answer it got before.

/**
 * Tokens at the end of every prompt that are always computed, never in a wide part and never alone, whatever is held of the prompt. One row alone takes
 * other kernels than two or more (by 0.12 nats on SmolLM2 without flash attention), and kernels for repacked weights take rows by four.
 */
export const tailTokens = 4;

/**
 * Rows of a sequence from which llama.cpp's flash attention for CPUs computes by tiles, with other roundings: up to 0.23 nats on SmolLM2.
 * Among parts with fewer rows, and among parts with more, nothing differs.
 */
export const wideRows = 64;

/**
 * Tokens of a prompt in the next batch.
 *
 * @param remaining tokens of the prompt that are not evaluated yet
 * @param room most tokens that the batch can take
 */
export function nextPromptPart(remaining: number, room: number): number {
  // Nothing differs among so few rows, so the tail needs no part of its own.
  if (remaining < wideRows) return Math.min(remaining, room);
  const body = remaining - tailTokens;
  if (body <= room) return body;
  const rest = body - room;
  const shortened = room - (wideRows - rest);
  // The next part is wide too, so that the same cells are computed by tiles wherever the parts of the prompt begin.
  return rest < wideRows && shortened >= wideRows ? shortened : room;
}

/** What a slot or a file holds of earlier prompts and answers. */
export interface HeldTokens {
  readonly tokens: readonly number[];
  /** Tokens at the beginning that came from the last prompt; the others were generated. */
  readonly promptLength: number;
  /** Tokens at the beginning that were computed in wide parts. */
  readonly wideTokens: number;
}

/**
 * Tokens of a prompt that need not be evaluated where `common` of its tokens are held at the beginning of `held`.
 *
 * 1. The tail is always evaluated.
 * 2. A prompt that goes on where the held one ended reuses all, the answer as well: another turn of a conversation must not wait for
 *    the last one to be read again. So does every prompt with `isUniform`: its cells are computed alike however it is cut.
 * 3. Another prompt that only begins alike reuses cells that it would have computed by the same kernels itself.
 */
export function reusableOf(
  held: HeldTokens,
  { promptLength, common, isUniform }: { promptLength: number; common: number; isUniform: boolean },
): number {
  // 1
  const body = Math.max(0, promptLength - tailTokens);
  const keep = Math.min(common, body);
  // 2
  if (isUniform || common >= held.promptLength) return keep;
  // 3
  if (body < wideRows) return held.wideTokens === 0 ? keep : 0;
  const wide = Math.min(keep, held.wideTokens);
  return wide < body ? Math.max(0, Math.min(wide, body - wideRows)) : wide;
}
