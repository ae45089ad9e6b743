import { describe, expect, it } from "vitest";
import { createScheduler } from "../../../../../src/backends/diffusion/schedulers/create-scheduler.ts";
import { prepareLatents, type EncodedEdit } from "../../../../../src/backends/diffusion/pipeline/start-latents.ts";
import { TorchGenerator } from "../../../../../src/backends/diffusion/noise/torch-random.ts";

const config = {
  _class_name: "DDIMScheduler",
  beta_start: 0.00085,
  beta_end: 0.012,
  beta_schedule: "scaled_linear",
  steps_offset: 1,
  clip_sample: false,
};
const [width, height] = [2, 3];
const length = 4 * width * height;
const folder = { latentScale: { factors: [0.5, 0.5, 0.5, 0.5], shifts: [0.25, 0.25, 0.25, 0.25] }, vaeScale: 8 };
const means = Float32Array.from({ length }, (_, i) => i / 10);
const pixels = { data: new Uint8ClampedArray(16 * 24 * 3), width: 16, height: 24 };
/** Keeps the left half of the picture, which is the left column of the latents. */
const mask = Uint8Array.from({ length: 16 * 24 }, (_, i) => (i % 16 < 8 ? 0 : 1));

const edit = (fields: Partial<EncodedEdit> = {}): EncodedEdit => ({
  input: { pixels, mask },
  strength: 1,
  folder,
  picture: { data: means, isDistribution: false, width, height },
  masked: undefined,
  ...fields,
});
const start = (fields: Partial<EncodedEdit>, strength = 1) => {
  const scheduler = createScheduler(config, { steps: 4, strength });
  return {
    scheduler,
    ...prepareLatents({ scheduler, random: new TorchGenerator(5), width, height, edit: edit({ strength, ...fields }) }),
  };
};
const scaled = means.map((mean) => (mean - 0.25) * 0.5);

describe("the first latents", () => {
  it("are the seed's noise where there is no picture", () => {
    const scheduler = createScheduler({ ...config, _class_name: "EulerDiscreteScheduler" }, { steps: 4 });
    const { sample } = prepareLatents({ scheduler, random: new TorchGenerator(5), width, height, edit: undefined });
    const noise = new TorchGenerator(5).randn(length);
    expect(sample).toEqual(noise.map((value) => value * scheduler.initNoiseSigma));
  });

  it("are the picture's at the noise level of the first step", () => {
    const { sample, scheduler } = start({ input: { pixels, mask: undefined } }, 0.5);
    const noise = new TorchGenerator(5).randn(length);
    expect(sample).toEqual(scheduler.addNoise({ original: scaled, noise, index: 2 }));
  });

  it("draw the picture's distribution before the noise, as the reference does", () => {
    const parameters = new Float32Array(2 * length);
    parameters.set(means);
    parameters.fill(Math.log(4), length);
    const { sample, scheduler } = start(
      { input: { pixels, mask: undefined }, picture: { data: parameters, isDistribution: true, width, height } },
      0.5,
    );
    const random = new TorchGenerator(5);
    const drawn = random.randn(length).map((value, i) => (means[i]! + 2 * value - 0.25) * 0.5);
    const noise = random.randn(length);
    const expected = scheduler.addNoise({ original: drawn, noise, index: 2 });
    for (const [i, value] of sample.entries()) expect(value).toBeCloseTo(expected[i]!, 5);
  });
});

describe("inpainting with an ordinary UNet", () => {
  it("after a step keeps the picture at the noise level of the next, after the last the picture itself", () => {
    const { keepUntouched, scheduler } = start({});
    const noise = new TorchGenerator(5).randn(length);
    for (const index of [0, 2, 3]) {
      const sample = new Float32Array(length).fill(100);
      keepUntouched!(sample, index);
      const kept = index === 3 ? scaled : scheduler.addNoise({ original: scaled, noise, index: index + 1 });
      for (let i = 0; i < length; i++) expect(sample[i]).toBe(i % 2 === 0 ? kept[i] : 100);
    }
  });

  it("at full strength begins with noise alone, below it with the picture", () => {
    const noise = new TorchGenerator(5).randn(length);
    expect(start({}).sample).toEqual(noise);
    const { sample, scheduler } = start({}, 0.5);
    expect(sample).toEqual(scheduler.addNoise({ original: scaled, noise, index: 2 }));
  });
});

describe("inpainting models", () => {
  it("get the mask and the latents of the masked picture, and set no place back", () => {
    const { inpainting, keepUntouched } = start({ picture: undefined, masked: edit().picture });
    expect(keepUntouched).toBeUndefined();
    expect([...inpainting!.subarray(0, width * height)]).toEqual([0, 1, 0, 1, 0, 1]);
    expect(inpainting!.subarray(width * height)).toEqual(scaled);
  });
});
