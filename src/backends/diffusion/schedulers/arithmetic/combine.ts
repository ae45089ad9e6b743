// Weighted sums of arrays: given its scalar coefficients, every scheduler's step is one. Sums are computed in double precision and rounded
// once. `out` may be any of the inputs. Plain loops, as they run over all latents at every step.

/** out = a x */
export function scale(out: Float32Array, a: number, x: Float32Array): Float32Array {
  for (let i = 0; i < out.length; i++) {
    out[i] = a * x[i]!;
  }
  return out;
}

/** out = a x + b y */
export function combine2(out: Float32Array, [a, b]: Coefficients2, [x, y]: Arrays2): Float32Array {
  for (let i = 0; i < out.length; i++) {
    out[i] = a * x[i]! + b * y[i]!;
  }
  return out;
}

/** out = a x + b y + c z */
export function combine3(out: Float32Array, [a, b, c]: Coefficients3, [x, y, z]: Arrays3): Float32Array {
  for (let i = 0; i < out.length; i++) {
    out[i] = a * x[i]! + b * y[i]! + c * z[i]!;
  }
  return out;
}

/** out = a x + b y + c z + d w */
export function combine4(out: Float32Array, [a, b, c, d]: Coefficients4, [x, y, z, w]: Arrays4): Float32Array {
  for (let i = 0; i < out.length; i++) {
    out[i] = a * x[i]! + b * y[i]! + c * z[i]! + d * w[i]!;
  }
  return out;
}

/** A weighted sum of one to five arrays whose number is known only at run time. Terms with a zero coefficient are left out. */
export function combine(out: Float32Array, terms: readonly Term[]): Float32Array {
  const [first, second, third, fourth, fifth] = terms.filter(([coefficient]) => coefficient !== 0);
  if (first === undefined) {
    return out.fill(0);
  }
  if (second === undefined) {
    return scale(out, ...first);
  }
  if (third === undefined) {
    return combine2(out, [first[0], second[0]], [first[1], second[1]]);
  }
  if (fourth === undefined) {
    return combine3(out, [first[0], second[0], third[0]], [first[1], second[1], third[1]]);
  }
  if (fifth === undefined) {
    return combine4(out, [first[0], second[0], third[0], fourth[0]], [first[1], second[1], third[1], fourth[1]]);
  }
  return combine5(out, [first, second, third, fourth, fifth]);
}

/** Limits every value to [-limit, limit], in place. */
export function clamp(values: Float32Array, limit: number): Float32Array {
  for (let i = 0; i < values.length; i++) {
    values[i] = Math.min(limit, Math.max(-limit, values[i]!));
  }
  return values;
}

export type Term = readonly [coefficient: number, array: Float32Array];

type Coefficients2 = readonly [number, number];
type Coefficients3 = readonly [number, number, number];
type Coefficients4 = readonly [number, number, number, number];
type Arrays2 = readonly [Float32Array, Float32Array];
type Arrays3 = readonly [Float32Array, Float32Array, Float32Array];
type Arrays4 = readonly [Float32Array, Float32Array, Float32Array, Float32Array];

function combine5(out: Float32Array, terms: readonly [Term, Term, Term, Term, Term]): Float32Array {
  const [[a, x], [b, y], [c, z], [d, w], [e, v]] = terms;
  for (let i = 0; i < out.length; i++) {
    out[i] = a * x[i]! + b * y[i]! + c * z[i]! + d * w[i]! + e * v[i]!;
  }
  return out;
}

/** `array` if it has that length, else a new one. */
export function sized(array: Float32Array<ArrayBuffer>, length: number): Float32Array<ArrayBuffer> {
  return array.length === length ? array : new Float32Array(length);
}
