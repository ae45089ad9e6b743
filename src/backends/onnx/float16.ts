// IEEE 754 half precision on Node 20, which has no Float16Array: models in fp16 are fed and read as 16-bit patterns.
// Tables after Jeroen van der Zijp, "Fast Half Float Conversions" (2008); rounding to nearest even is added to its encoder.

// Indexed by sign and exponent (the top nine bits of a float32).
const encodeBase = new Uint16Array(512);
const encodeShift = new Uint8Array(512);
// All 65,536 patterns decoded once: 256 KB buys a decoder of one load per element.
const decodeTable = new Float32Array(65_536);

buildEncodeTables();
buildDecodeTable();

/** Encodes float32 values as half patterns, bit-exact round to nearest even, from 65,520 on to infinity; NaN stays NaN. `out` may be given to avoid an allocation. */
export function encodeFloat16(values: Float32Array, out: Uint16Array = new Uint16Array(values.length)): Uint16Array {
  const words = new Uint32Array(values.buffer, values.byteOffset, values.length);
  for (let i = 0; i < words.length; i++) {
    out[i] = encodeBits(words[i]!);
  }
  return out;
}

/** Decodes half patterns; exact, as every half is a float32. `out` may be given to avoid an allocation. */
export function decodeFloat16(bits: Uint16Array, out: Float32Array = new Float32Array(bits.length)): Float32Array {
  for (let i = 0; i < bits.length; i++) {
    out[i] = decodeTable[bits[i]!]!;
  }
  return out;
}

function encodeBits(bits: number): number {
  const index = bits >>> 23;
  const shift = encodeShift[index]!;
  if (shift === 0) {
    // Infinity keeps an empty mantissa; a NaN keeps its top payload bits and is made quiet.
    return (bits & 0x7fffff) === 0 ? encodeBase[index]! : encodeBase[index]! | 0x200 | ((bits & 0x7fffff) >>> 13);
  }
  // The implicit one takes part: for subnormals it is shifted into the mantissa, for normals it adds one to the base's exponent.
  const mantissa = (bits & 0x7fffff) | 0x800000;
  const kept = mantissa >>> shift;
  const remainder = mantissa & ((1 << shift) - 1);
  const half = 1 << (shift - 1);
  const roundUp = remainder > half || (remainder === half && (kept & 1) === 1) ? 1 : 0;
  return encodeBase[index]! + kept + roundUp;
}

function buildEncodeTables(): void {
  for (let i = 0; i < 256; i++) {
    const exponent = i - 127;
    let base: number;
    let shift: number;
    if (i === 255) {
      base = 0x7c00;
      shift = 0;
    } else if (exponent > 15) {
      // Too large: the mantissa is shifted away whole (25 bits of room for 24), so the base stays infinity.
      base = 0x7c00;
      shift = 25;
    } else if (exponent >= -14) {
      base = (exponent + 14) << 10;
      shift = 13;
    } else {
      // Subnormal halves. Below 2^-25 everything shifts away; at 2^-25 exactly half is left and the tie goes to zero.
      base = 0;
      shift = Math.min(-exponent - 1, 25);
    }
    encodeBase[i] = base;
    encodeBase[i | 0x100] = base | 0x8000;
    encodeShift[i] = shift;
    encodeShift[i | 0x100] = shift;
  }
}

function buildDecodeTable(): void {
  for (let bits = 0; bits < 65_536; bits++) {
    const sign = bits & 0x8000 ? -1 : 1;
    const exponent = (bits >>> 10) & 0x1f;
    const mantissa = bits & 0x3ff;
    if (exponent === 31) {
      decodeTable[bits] = mantissa === 0 ? sign * Infinity : Number.NaN;
    } else if (exponent === 0) {
      decodeTable[bits] = sign * mantissa * 2 ** -24;
    } else {
      decodeTable[bits] = sign * (1 + mantissa / 1024) * 2 ** (exponent - 15);
    }
  }
}
