// Random numbers that agree with torch's CPU generator, so that seed, prompt and settings give the picture they give elsewhere.
// Reference: ATen's CPUGeneratorImpl, DistributionsHelper.h (scalar path) and native/cpu/DistributionTemplates.h (blocks of 16).
import { MersenneTwister } from "./mersenne-twister.ts";

/** A source of standard normal values whose state advances with every call. */
export interface NormalSource {
  /** Fills `out` with independent N(0, 1) values and returns it. */
  fillNormal(out: Float32Array): Float32Array;
}

const blockSize = 16;
const halfBlock = blockSize / 2;
const twoPi = Math.fround(2 * Math.PI);
const lowestSeed = -(2n ** 63n);
const seedLimit = 2n ** 64n;

/**
 * The counterpart of a `torch.Generator` on the CPU: one state, advanced by every draw in the order of the calls.
 * Float32 values agree with torch to about one part in a million: torch's vectorised logarithm and sine are approximations.
 */
export class TorchGenerator implements NormalSource {
  /** The seed as torch keeps it: negative seeds are taken modulo 2^64. */
  readonly seed: bigint;
  readonly #engine: MersenneTwister;
  // The scalar path makes two values at a time and keeps the second for the next scalar draw, as torch does.
  #cachedNormal: number | undefined;

  /**
   * @param seed an integer in [-2^63, 2^64), as `torch.Generator.manual_seed` takes; a number must be a safe integer
   * @throws RangeError outside that range
   */
  constructor(seed: number | bigint) {
    this.seed = normalizeSeed(seed);
    this.#engine = new MersenneTwister(Number(this.seed & 0xffff_ffffn));
  }

  /** `torch.randn` of `out.length` float32 values: Box-Muller over blocks of 16, or one by one for fewer than 16. */
  fillNormal(out: Float32Array): Float32Array {
    if (out.length < blockSize) {
      for (let i = 0; i < out.length; i++) {
        out[i] = this.#nextNormal();
      }
      return out;
    }
    this.fillUniform(out);
    const lastWhole = out.length - blockSize;
    for (let start = 0; start <= lastWhole; start += blockSize) {
      boxMullerBlock(out, start);
    }
    if (out.length % blockSize !== 0) {
      // torch draws the last 16 anew instead of keeping a remainder: the overlap is overwritten.
      this.fillUniform(out.subarray(lastWhole));
      boxMullerBlock(out, lastWhole);
    }
    return out;
  }

  /** `torch.randn(count)` in float32. */
  randn(count: number): Float32Array {
    return this.fillNormal(new Float32Array(count));
  }

  /** `torch.rand` in float32: 24-bit values in [0, 1). */
  fillUniform(out: Float32Array): Float32Array {
    const engine = this.#engine;
    for (let i = 0; i < out.length; i++) {
      out[i] = (engine.nextUint32() & 0xff_ffff) / 0x100_0000;
    }
    return out;
  }

  #nextNormal(): number {
    const cached = this.#cachedNormal;
    if (cached !== undefined) {
      this.#cachedNormal = undefined;
      return cached;
    }
    const angle = 2 * Math.PI * this.#nextDouble();
    const radius = Math.sqrt(-2 * Math.log1p(-this.#nextDouble()));
    this.#cachedNormal = radius * Math.sin(angle);
    return radius * Math.cos(angle);
  }

  /** 53 random bits over 2^53: the high word is drawn first. */
  #nextDouble(): number {
    const high = this.#engine.nextUint32() & 0x1f_ffff;
    return (high * 0x1_0000_0000 + this.#engine.nextUint32()) / 0x20_0000_0000_0000;
  }
}

function normalizeSeed(seed: number | bigint): bigint {
  if (typeof seed === "number" && !Number.isSafeInteger(seed)) {
    throw new RangeError(`seed must be an integer between -(2^53 - 1) and 2^53 - 1, or a bigint; got ${seed}`);
  }
  const value = BigInt(seed);
  if (value < lowestSeed || value >= seedLimit) {
    throw new RangeError(`seed must lie between -2^63 and 2^64 - 1; got ${value}`);
  }
  return BigInt.asUintN(64, value);
}

/** Turns 16 uniforms at `start` into 16 normals: the first eight give the radii, the last eight the angles. */
function boxMullerBlock(values: Float32Array, start: number): void {
  for (let i = start; i < start + halfBlock; i++) {
    const radius = Math.fround(Math.sqrt(-2 * Math.fround(Math.log(1 - values[i]!))));
    const angle = Math.fround(twoPi * values[i + halfBlock]!);
    values[i] = radius * Math.fround(Math.cos(angle));
    values[i + halfBlock] = radius * Math.fround(Math.sin(angle));
  }
}
