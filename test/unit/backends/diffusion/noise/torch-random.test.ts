// Golden values: torch 1.13 on a CPU, torch.randn(n, generator=g) call after call. The first four of seed 0 for n >= 16 are the widely
// published -1.1258 -1.1524 -0.2506 -0.4339; for n < 16 they are 1.5410 -0.2934 -2.1788 0.5684.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { MersenneTwister } from "../../../../../src/backends/diffusion/noise/mersenne-twister.ts";
import { TorchGenerator } from "../../../../../src/backends/diffusion/noise/torch-random.ts";

// One or two units in the last place of a float32 near 3.
const tolerance = 5e-7;

const golden: readonly { name: string; seed: bigint; calls: readonly (readonly number[])[] }[] = [
  {
    name: "fewer than 16 values, one by one",
    seed: 0n,
    calls: [[1.540996, -0.2934289, -2.178789, 0.5684313]],
  },
  {
    name: "one block of 16",
    seed: 0n,
    calls: [
      [
        -1.12584, -1.15236, -0.2505786, -0.4338788, 0.8487104, 0.6920092, -0.3160128, -2.115219, 0.3222749, -1.263335,
        0.3499832, 0.3081339, 0.1198415, 1.237658, 1.116777, -0.2472782,
      ],
    ],
  },
  {
    name: "a rest of 4 after one block",
    seed: 0n,
    calls: [
      [
        -1.12584, -1.15236, -0.2505786, -0.4338788, 0.5988395, -1.555095, -0.3413604, 1.853006, 0.4680964, -0.1577124,
        1.44366, 0.2660494, 1.389366, 1.586334, 0.9462984, -0.8436767, 0.9318266, 1.259009, 2.004981, 0.0537369,
      ],
    ],
  },
  {
    name: "short and long draws in turn, with the cached second value kept across a long one",
    seed: 0n,
    calls: [
      [1.540996, -0.2934289, -2.178789],
      [0.5684313, -1.084522, -1.398595, 0.4033468, 0.8380263],
      [-0.7192576],
      [
        0.5988395, -1.555095, -0.3413604, 1.853006, -0.2158633, -0.7425482, 0.5627214, 0.2596274, -0.173961, -0.6787462,
        0.9382607, 0.4888698, 1.203224, 0.0845347, -1.200139, -0.004785738, -0.5180748, -0.3067042, -1.580994, 1.706643,
      ],
      [-0.4033435, -0.02087947],
      [
        0.594323, -0.3169981, -1.092468, -0.0851943, -0.09334823, 0.6870502, -0.8383154, 0.0008918217, 0.8418941,
        0.185408, 0.6211383, 0.6381816, -0.2460009, 2.302516, -1.881689, -0.04972702, -1.044979,
      ],
      [-0.7184801, -1.018982, 0.02789201, 0.8046851, -1.318596, -1.066091, -2.977119],
    ],
  },
  {
    name: "another seed",
    seed: 42n,
    calls: [
      [0.3366904, 0.1288094, 0.2344624, 0.230333],
      [
        1.787789, -0.4780453, -0.2428586, -0.9341632, -0.2482575, -1.208215, -0.4776675, 0.5201312, -1.567327,
        -0.2394458, 2.322806, -0.9633659, 2.002415, 0.4664319, 1.573027, -0.9228289, 0.3558599, 0.321103, 1.5736,
        -0.8454674, 1.312308, 0.6871596, -1.089175, -0.3552866, -0.913823, 0.8962683, 0.04990539, 2.266718, 1.178951,
        -0.4344544, -1.386366, -1.286216, -1.403248,
      ],
      [0.5312085, -0.2482734, -0.1735405, 1.384954],
    ],
  },
  {
    name: "the largest seed",
    seed: 18446744073709551615n,
    calls: [
      [1.219763, -0.3929795, 1.023075, -0.3734211],
      [
        0.414255, -0.3137245, 0.02676138, 0.219066, 1.875852, 0.1827625, 0.9762993, 0.2381743, -1.274403, -1.301342,
        -0.6553129, 0.462756, 0.5606411, 0.2538179, 0.2975943, -0.001515234,
      ],
    ],
  },
  {
    name: "seed -1, which is the largest",
    seed: -1n,
    calls: [
      [1.219763, -0.3929795, 1.023075, -0.3734211],
      [
        0.414255, -0.3137245, 0.02676138, 0.219066, 1.875852, 0.1827625, 0.9762993, 0.2381743, -1.274403, -1.301342,
        -0.6553129, 0.462756, 0.5606411, 0.2538179, 0.2975943, -0.001515234,
      ],
    ],
  },
  {
    name: "seed 2^32, whose low word is 0",
    seed: 4294967296n,
    calls: [[1.540996, -0.2934289, -2.178789, 0.5684313]],
  },
  {
    name: "only the low 32 bits take part",
    seed: 4294967338n,
    calls: [[0.3366904, 0.1288094, 0.2344624, 0.230333]],
  },
  {
    name: "seed 2^63",
    seed: 9223372036854775808n,
    calls: [[1.540996, -0.2934289, -2.178789, 0.5684313]],
  },
];

function largestError(actual: Float32Array, wanted: readonly number[]): number {
  const errors = wanted.map((value, i) => Math.abs(actual[i]! - value));
  return actual.length === wanted.length ? Math.max(...errors) : Infinity;
}

describe("TorchGenerator", () => {
  it.each(golden)("$name", ({ seed, calls }) => {
    const generator = new TorchGenerator(seed);
    for (const wanted of calls) {
      expect(largestError(generator.randn(wanted.length), wanted)).toBeLessThan(tolerance);
    }
  });

  it("makes the initial noise of a 512x512 picture, and the next draw after it", () => {
    const generator = new TorchGenerator(0);
    const latents = generator.randn(4 * 64 * 64);
    expect(largestError(latents.subarray(0, 4), [-1.12584, -1.15236, -0.2505786, -0.4338788])).toBeLessThan(tolerance);
    expect(largestError(latents.subarray(-4), [-1.040714, 0.09078388, -1.36647, -1.078208])).toBeLessThan(tolerance);
    expect(latents.reduce((sum, value) => sum + Math.abs(value), 0)).toBeCloseTo(13111.533563, 3);
    expect(
      largestError(generator.randn(4 * 64 * 64).subarray(0, 4), [-0.5518361, 1.539807, 1.003559, -0.7947894]),
    ).toBeLessThan(tolerance);
  });

  it("makes torch.rand", () => {
    expect(
      largestError(
        new TorchGenerator(7).fillUniform(new Float32Array(5)),
        [0.5349225, 0.1988032, 0.6592117, 0.6568903, 0.2327616],
      ),
    ).toBeLessThan(tolerance);
  });

  it("takes negative seeds modulo 2^64 and refuses what torch refuses", () => {
    expect(new TorchGenerator(-1).seed).toBe(2n ** 64n - 1n);
    expect(new TorchGenerator(-(2n ** 63n)).seed).toBe(2n ** 63n);
    for (const seed of [2n ** 64n, -(2n ** 63n) - 1n, 0.5, Number.NaN, 2 ** 53]) {
      expect(() => new TorchGenerator(seed)).toThrow(RangeError);
    }
  });

  it("repeats itself for the same seed and the same calls", () => {
    const lengths = fc.array(fc.integer({ min: 0, max: 70 }), { maxLength: 8 });
    fc.assert(
      fc.property(fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }), lengths, (seed, calls) => {
        const first = new TorchGenerator(seed);
        const second = new TorchGenerator(seed);
        for (const length of calls) {
          expect(first.randn(length)).toEqual(second.randn(length));
        }
      }),
    );
  });

  it("is standard normal", () => {
    const values = new TorchGenerator(123).randn(100_000);
    const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
    const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length;
    expect(Math.abs(mean)).toBeLessThan(0.01);
    expect(Math.abs(variance - 1)).toBeLessThan(0.02);
  });
});

describe("MersenneTwister", () => {
  it("agrees with the C++ standard: the 10,000th word of mt19937 from seed 5489 is 4123659995", () => {
    const engine = new MersenneTwister(5489);
    let word = engine.nextUint32();
    for (let i = 1; i < 10_000; i++) {
      word = engine.nextUint32();
    }
    expect(word).toBe(4_123_659_995);
  });
});
