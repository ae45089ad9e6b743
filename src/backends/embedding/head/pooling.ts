// Pools the vectors of a text's tokens to one vector. Definitions as in sentence-transformers' Pooling module.
import type { PoolingMode } from "../../../model-files/encoder/modules.ts";

/** The shape of `hidden`: [batch, sequence, dimensions], row-major. */
export interface HiddenShape {
  readonly batch: number;
  readonly sequence: number;
  readonly dimensions: number;
}

/** One entry per token of [batch, sequence]; 0 = padding, or a token that does not count. */
export type AttentionMask = ArrayLike<number>;

export interface PoolingInput {
  /** [batch, sequence, dimensions] row-major. */
  readonly hidden: Float32Array;
  /** [batch, sequence] row-major. */
  readonly mask: AttentionMask;
  readonly shape: HiddenShape;
}

/**
 * One vector per text, [batch, modes * dimensions] row-major: what each mode gives, side by side.
 * @throws RangeError where the lengths of `hidden` and `mask` do not fit the shape
 */
export function pool(modes: readonly PoolingMode[], input: PoolingInput): Float32Array {
  assertShape(input);
  const { batch, sequence, dimensions } = input.shape;
  const width = modes.length * dimensions;
  const out = new Float32Array(batch * width);
  for (let row = 0; row < batch; row++) {
    const text = { ...input, start: row * sequence, end: (row + 1) * sequence };
    for (const [index, mode] of modes.entries()) {
      const target = out.subarray(row * width + index * dimensions, row * width + (index + 1) * dimensions);
      poolText(mode, { text, target });
    }
  }
  return out;
}

/** The tokens of one text: from `start` up to `end` in the mask. */
interface TextTokens extends PoolingInput {
  readonly start: number;
  readonly end: number;
}

interface Job {
  readonly text: TextTokens;
  readonly target: Float32Array;
}

function poolText(mode: PoolingMode, job: Job): void {
  switch (mode) {
    case "mean":
      return addUp(job, { weightAt: () => 1, divisor: (sum) => sum });
    case "mean_sqrt_len":
      return addUp(job, { weightAt: () => 1, divisor: Math.sqrt });
    case "weightedmean":
      return addUp(job, { weightAt: (position) => position + 1, divisor: (sum) => sum });
    case "max":
      return takeLargest(job);
    case "cls":
      return takeToken(job, firstToken(job.text));
    case "last":
      return takeToken(job, lastToken(job.text));
  }
}

interface Weighing {
  /** Weight of the token at a position of the text. */
  readonly weightAt: (position: number) => number;
  /** What the weighted sum is divided by, from the sum of the weights. */
  readonly divisor: (sum: number) => number;
}

function addUp({ text, target }: Job, { weightAt, divisor }: Weighing): void {
  const { hidden, mask, shape, start, end } = text;
  const { dimensions } = shape;
  const sums = new Float64Array(dimensions);
  let total = 0;
  for (let token = start; token < end; token++) {
    if (mask[token] === 0) continue;
    const weight = weightAt(token - start);
    total += weight;
    for (let i = 0; i < dimensions; i++) sums[i]! += weight * hidden[token * dimensions + i]!;
  }
  // A text of nothing but padding has no mean; the reference gives zeros.
  const scale = total > 0 ? 1 / divisor(total) : 0;
  for (let i = 0; i < dimensions; i++) target[i] = sums[i]! * scale;
}

function takeLargest({ text, target }: Job): void {
  const { hidden, mask, shape, start, end } = text;
  const { dimensions } = shape;
  target.fill(Number.NEGATIVE_INFINITY);
  for (let token = start; token < end; token++) {
    if (mask[token] === 0) continue;
    for (let i = 0; i < dimensions; i++) target[i] = Math.max(target[i]!, hidden[token * dimensions + i]!);
  }
}

function takeToken({ text, target }: Job, token: number): void {
  const { dimensions } = text.shape;
  target.set(text.hidden.subarray(token * dimensions, (token + 1) * dimensions));
}

/** The first token that counts; with left padding it is not in the first column. */
function firstToken({ mask, start, end }: TextTokens): number {
  for (let token = start; token < end; token++) if (mask[token] !== 0) return token;
  return start;
}

function lastToken({ mask, start, end }: TextTokens): number {
  for (let token = end - 1; token >= start; token--) if (mask[token] !== 0) return token;
  return start;
}

function assertShape({ hidden, mask, shape }: PoolingInput): void {
  const { batch, sequence, dimensions } = shape;
  if (hidden.length !== batch * sequence * dimensions) {
    throw new RangeError(`hidden holds ${hidden.length} values, not ${batch} x ${sequence} x ${dimensions}`);
  }
  if (mask.length !== batch * sequence) {
    throw new RangeError(`mask holds ${mask.length} values, not ${batch} x ${sequence}`);
  }
}
