// Vectors of length 1.

/** Divides every vector of [texts, width] (row-major) by its Euclidean length, in place. A zero vector stays zero. */
export function normalizeRows(vectors: Float32Array, width: number): Float32Array {
  for (let start = 0; start < vectors.length; start += width) {
    let sum = 0;
    for (let i = start; i < start + width; i++) sum += vectors[i]! * vectors[i]!;
    if (sum === 0) continue;
    const scale = 1 / Math.sqrt(sum);
    for (let i = start; i < start + width; i++) vectors[i]! *= scale;
  }
  return vectors;
}
