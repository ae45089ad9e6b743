// Pools the vectors of a text's tokens to one vector. Definitions as in sentence-transformers' Pooling module.

/** The shape of `hidden`: [batch, sequence, dimensions], row-major. */
export interface HiddenShape {
  readonly batch: number;
  readonly sequence: number;
  readonly dimensions: number;
}

/** One entry per token of [batch, sequence]; 0 = padding. */
export type AttentionMask = ArrayLike<number>;

export type PoolingMode = "mean" | "cls" | "last";

export interface PoolingInput {
  /** [batch, sequence, dimensions] row-major. */
  readonly hidden: Float32Array;
  /** [batch, sequence] row-major. */
  readonly mask: AttentionMask;
  readonly shape: HiddenShape;
}

/**
 * One vector per text, [batch, dimensions] row-major.
 * @throws RangeError where the lengths of `hidden` and `mask` do not fit the shape
 */
export function pool(mode: PoolingMode, input: PoolingInput): Float32Array {
  assertShape(input);
  switch (mode) {
    case "mean":
      return poolMean(input);
    case "cls":
      return poolRow(input, firstToken);
    case "last":
      return poolRow(input, lastToken);
  }
}

function poolMean({ hidden, mask, shape }: PoolingInput): Float32Array {
  const { batch, sequence, dimensions } = shape;
  const out = new Float32Array(batch * dimensions);
  const sums = new Float64Array(dimensions);
  for (let row = 0; row < batch; row++) {
    sums.fill(0);
    let count = 0;
    for (let token = 0; token < sequence; token++) {
      const weight = mask[row * sequence + token]!;
      if (weight === 0) {
        continue;
      }
      count += weight;
      const start = (row * sequence + token) * dimensions;
      for (let i = 0; i < dimensions; i++) {
        sums[i] = sums[i]! + weight * hidden[start + i]!;
      }
    }
    // A row of nothing but padding has no mean; the reference gives zeros.
    const scale = count > 0 ? 1 / count : 0;
    for (let i = 0; i < dimensions; i++) {
      out[row * dimensions + i] = sums[i]! * scale;
    }
  }
  return out;
}

type TokenChoice = (mask: AttentionMask, start: number, end: number) => number;

function poolRow({ hidden, mask, shape }: PoolingInput, choose: TokenChoice): Float32Array {
  const { batch, sequence, dimensions } = shape;
  const out = new Float32Array(batch * dimensions);
  for (let row = 0; row < batch; row++) {
    const start = choose(mask, row * sequence, (row + 1) * sequence) * dimensions;
    out.set(hidden.subarray(start, start + dimensions), row * dimensions);
  }
  return out;
}

/** The first token that is no padding; with left padding it is not in the first column. */
function firstToken(mask: AttentionMask, start: number, end: number): number {
  for (let i = start; i < end; i++) {
    if (mask[i] !== 0) {
      return i;
    }
  }
  return start;
}

function lastToken(mask: AttentionMask, start: number, end: number): number {
  for (let i = end - 1; i >= start; i--) {
    if (mask[i] !== 0) {
      return i;
    }
  }
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
