// Judges the values that a device has computed: whether they can be a result at all, and how far they are from the CPU's.
import { decodeFloat16 } from "./float16.ts";
import type { Tensor } from "./runtime.ts";

type Results = Readonly<Record<string, Tensor>>;

/** What is wrong with the values of floating-point outputs: none of them finite throughout, or nothing but zeros. */
export function suspicionOf(results: Results): string | undefined {
  for (const [name, { type, data }] of Object.entries(results)) {
    if (data.length === 0) continue;
    const seen =
      type === "float32" ? lookAt(data as Float32Array) : type === "float16" ? lookAtHalves(data) : undefined;
    if (seen?.isFinite === false) return `the output '${name}' has values that are no numbers`;
    if (seen?.isZero === true) return `the output '${name}' has only zeros`;
  }
  return undefined;
}

interface Seen {
  readonly isFinite: boolean;
  readonly isZero: boolean;
}

function lookAt(values: Float32Array): Seen {
  let isFinite = true;
  let isZero = true;
  for (let i = 0; i < values.length; i++) {
    const value = values[i]!;
    if (!Number.isFinite(value)) isFinite = false;
    if (value !== 0) isZero = false;
  }
  return { isFinite, isZero };
}

/** Node 20 gives halves as Uint16Array, later versions as Float16Array: both are read as bit patterns. */
function lookAtHalves(data: Tensor["data"]): Seen {
  if (!ArrayBuffer.isView(data)) return { isFinite: true, isZero: false };
  const bits = new Uint16Array(data.buffer, data.byteOffset, data.byteLength / 2);
  let isFinite = true;
  let isZero = true;
  for (let i = 0; i < bits.length; i++) {
    if ((bits[i]! & 0x7c00) === 0x7c00) isFinite = false;
    if ((bits[i]! & 0x7fff) !== 0) isZero = false;
  }
  return { isFinite, isZero };
}

/**
 * The distance from `expected` as a share of its length (root mean squares): 0 = equal, 1 = as far as nothing at all. Infinity where the
 * shapes differ.
 */
export function relativeDifference(values: ArrayLike<number>, expected: ArrayLike<number>): number {
  if (values.length !== expected.length) return Infinity;
  let [distance, length] = [0, 0];
  for (let i = 0; i < expected.length; i++) {
    distance += (values[i]! - expected[i]!) ** 2;
    length += expected[i]! ** 2;
  }
  if (distance === 0) return 0;
  return Number.isNaN(distance) ? Infinity : Math.sqrt(distance / length);
}

/** A tensor's values as numbers, whatever its type. */
export function numbersOf({ type, data }: Pick<Tensor, "type" | "data">): Float32Array {
  if (data instanceof Float32Array) return data;
  if (type === "float16" && ArrayBuffer.isView(data)) {
    return decodeFloat16(new Uint16Array(data.buffer, data.byteOffset, data.byteLength / 2));
  }
  return Float32Array.from(data as ArrayLike<number | bigint>, Number);
}
