// MT19937, the 32-bit Mersenne Twister. torch's CPU generator is built on it, so an image's seed means the same here as there.
// Source: Matsumoto and Nishimura, "Mersenne Twister" (1998), the 2002 initialisation.

const stateSize = 624;
const shiftSize = 397;

/** A stream of 32-bit words, fixed by its seed. Only the low 32 bits of the seed take part, as in torch. */
export class MersenneTwister {
  readonly #state = new Int32Array(stateSize);
  #next = stateSize;

  /** @param seed any unsigned 32-bit integer */
  constructor(seed: number) {
    const state = this.#state;
    state[0] = seed | 0;
    for (let i = 1; i < stateSize; i++) {
      const previous = state[i - 1]!;
      state[i] = (Math.imul(1_812_433_253, previous ^ (previous >>> 30)) + i) | 0;
    }
  }

  /** The next word as an unsigned integer in [0, 2^32). */
  nextUint32(): number {
    if (this.#next === stateSize) {
      this.#regenerate();
    }
    let word = this.#state[this.#next++]!;
    word ^= word >>> 11;
    word ^= (word << 7) & 0x9d2c5680;
    word ^= (word << 15) & 0xefc60000;
    word ^= word >>> 18;
    return word >>> 0;
  }

  #regenerate(): void {
    const state = this.#state;
    // Three loops, so that no index needs a modulus: this is a fifth of the cost of a normal value.
    const wrap = stateSize - shiftSize;
    for (let i = 0; i < wrap; i++) {
      state[i] = twist(state[i]!, state[i + 1]!, state[i + shiftSize]!);
    }
    for (let i = wrap; i < stateSize - 1; i++) {
      state[i] = twist(state[i]!, state[i + 1]!, state[i - wrap]!);
    }
    state[stateSize - 1] = twist(state[stateSize - 1]!, state[0]!, state[shiftSize - 1]!);
    this.#next = 0;
  }
}

/** One word of the recurrence. Three positional parameters, as an options object would be built in the hottest loop. */
function twist(high: number, low: number, shifted: number): number {
  return shifted ^ (((high & -0x80000000) | (low & 0x7fffffff)) >>> 1) ^ (-(low & 1) & 0x9908b0df);
}
