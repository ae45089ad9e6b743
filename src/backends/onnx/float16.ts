// Converts float32 to IEEE 754 half precision and back. Node 20 has no Float16Array, so fp16 graphs are fed and read as 16-bit patterns.
// Tables after Jeroen van der Zijp, "Fast Half Float Conversions" (2008); rounding to nearest even is added to its encoder.

// Indexed by sign and exponent (the top nine bits of a float32).
const encodeBase = new Uint16Array(512);
const encodeShift = new Uint8Array(512);
// The values of all 65,536 patterns, 256 KB: decoding is one load per element.
const decodeTable = new Float32Array(65_536);

buildEncodeTables();
buildDecodeTable();

/**
 * Encodes float32 values as half patterns, rounded to nearest even; 65,520 and above become infinity, NaN stays NaN.
 * @param out receives the result; `values.length` elements
 */
export function encodeFloat16(values: Float32Array, out: Uint16Array = new Uint16Array(values.length)): Uint16Array {
  const words = new Uint32Array(values.buffer, values.byteOffset, values.length);
  for (let i = 0; i < words.length; i++) {
    out[i] = encodeBits(words[i]!);
  }
  return out;
}

/**
 * Decodes half patterns, exactly, as every half is a float32.
 * @param out receives the result; `bits.length` elements
 */
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
  // The implicit leading one is shifted into the mantissa of a subnormal; of a normal it adds one to the base's exponent.
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
      // Too large: a shift of 25 leaves nothing of the 24 bits, so the result is the base, infinity.
      base = 0x7c00;
      shift = 25;
    } else if (exponent >= -14) {
      base = (exponent + 14) << 10;
      shift = 13;
    } else {
      // Subnormal. Below 2^-25 every bit is shifted away; 2^-25 itself is a tie, which goes to zero.
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
