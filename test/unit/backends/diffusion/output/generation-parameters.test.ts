import { describe, expect, it } from "vitest";
import { formatParameters, samplerTitle } from "../../../../../src/backends/diffusion/output/generation-parameters.ts";

const parameters = {
  prompt: "a house",
  negativePrompt: "",
  steps: 20,
  sampler: "Euler a",
  guidanceScale: 7,
  seed: 5,
  size: { width: 64, height: 64 },
  outputSize: { width: 64, height: 64 },
  model: "m",
};

describe("formatParameters", () => {
  it("has no line for a negative prompt that is empty", () => {
    expect(formatParameters(parameters)).toBe(
      "a house\nSteps: 20, Sampler: Euler a, CFG scale: 7, Seed: 5, Size: 64x64, Model: m",
    );
  });

  it("quotes values that hold a separator", () => {
    expect(formatParameters({ ...parameters, model: "a, b" })).toContain('Model: "a, b"');
  });

  it("says how strongly a picture was changed, and what was resampled", () => {
    const text = formatParameters({ ...parameters, strength: 0.8, outputSize: { width: 512, height: 512 } });
    expect(text).toContain("Denoising strength: 0.8, Upscaled to: 512x512");
  });
});

describe("samplerTitle", () => {
  it.each([
    [{ _class_name: "PNDMScheduler" }, "PLMS"],
    [{ _class_name: "EulerAncestralDiscreteScheduler" }, "Euler a"],
    [{ _class_name: "DPMSolverMultistepScheduler", use_karras_sigmas: true }, "DPM++ 2M Karras"],
    [{ _class_name: "SomethingElse" }, "SomethingElse"],
  ])("%j is %s", (config, title) => {
    expect(samplerTitle(config)).toBe(title);
  });
});
