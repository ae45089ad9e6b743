// Lays tiles along one side of a picture and computes their weights where they overlap. The weights of all tiles add up to 1 at every
// place, so that a picture on which all tiles agree comes back unchanged.

export interface Tile {
  /** First element and number of elements along this side. */
  readonly start: number;
  readonly length: number;
  /** Weight of each element of the result that the tile covers, [length * scale]. */
  readonly weights: Float32Array;
}

/** Least share of a tile that overlaps with its neighbour. */
const overlapShare = 0.25;

/**
 * Tiles of one size that cover `length`, spread evenly. Neighbours overlap by at least a quarter; there their weights change linearly.
 * @param scale elements of the result per element of the tiled side
 */
export function layOutTiles(
  length: number,
  { tile, scale }: { readonly tile: number; readonly scale: number },
): Tile[] {
  const size = Math.min(tile, length);
  const stride = Math.max(1, Math.floor(size * (1 - overlapShare)));
  const count = size === length ? 1 : Math.ceil((length - size) / stride) + 1;
  const starts = Array.from({ length: count }, (_, i) =>
    count === 1 ? 0 : Math.round((i * (length - size)) / (count - 1)),
  );
  const total = new Float64Array(length * scale);
  const ramps = starts.map((start, i) => {
    const before = i === 0 ? 0 : (starts[i - 1]! + size - start) * scale;
    const after = i === count - 1 ? 0 : (start + size - starts[i + 1]!) * scale;
    const ramp = new Float64Array(size * scale);
    for (let x = 0; x < ramp.length; x++) {
      const rising = x < before ? (x + 0.5) / before : 1;
      const falling = ramp.length - 1 - x < after ? (ramp.length - x - 0.5) / after : 1;
      ramp[x] = Math.min(rising, falling);
      total[start * scale + x]! += ramp[x]!;
    }
    return ramp;
  });
  return starts.map((start, i) => ({
    start,
    length: size,
    weights: Float32Array.from(ramps[i]!, (weight, x) => weight / total[start * scale + x]!),
  }));
}
