import { describe, expect, it } from "vitest";
import { createScheduler } from "../../../../../src/backends/diffusion/schedulers/create-scheduler.ts";
import {
  isSamplerName,
  samplerNames,
  withSampler,
  withStableDiffusionCorrections,
} from "../../../../../src/backends/diffusion/schedulers/settings/sampler-override.ts";
import {
  SchedulerConfigError,
  schedulerClassNames,
} from "../../../../../src/backends/diffusion/schedulers/scheduler.ts";
import {
  parseSchedulerConfig,
  readSchedulerSettings,
} from "../../../../../src/backends/diffusion/schedulers/settings/scheduler-settings.ts";

// The file of CompVis/stable-diffusion-v1-4, as diffusers publishes it.
const sd1 = {
  _class_name: "PNDMScheduler",
  _diffusers_version: "0.7.0.dev0",
  beta_end: 0.012,
  beta_schedule: "scaled_linear",
  beta_start: 0.00085,
  num_train_timesteps: 1000,
  set_alpha_to_one: false,
  skip_prk_steps: true,
  steps_offset: 1,
  trained_betas: null,
  clip_sample: false,
};

function fieldOfError(build: () => unknown): string {
  try {
    build();
  } catch (error) {
    if (error instanceof SchedulerConfigError) {
      return error.field;
    }
    throw error;
  }
  return "no error";
}

describe("reading a scheduler configuration", () => {
  it("fills in the defaults of each class", () => {
    const dpm = readSchedulerSettings({ _class_name: "DPMSolverMultistepScheduler" });
    expect(dpm).toMatchObject({
      betaStart: 0.0001,
      timestepSpacing: "linspace",
      solverOrder: 2,
      lowerOrderFinal: true,
    });
    expect(dpm.clipRange).toBeUndefined();
    const lcm = readSchedulerSettings({ _class_name: "LCMScheduler" });
    expect(lcm).toMatchObject({ betaStart: 0.00085, betaSchedule: "scaled_linear", originalInferenceSteps: 50 });
    expect(readSchedulerSettings({ _class_name: "DDIMScheduler" })).toMatchObject({
      clipRange: 1,
      setAlphaToOne: true,
    });
    const heun = readSchedulerSettings({ _class_name: "HeunDiscreteScheduler" });
    expect(heun).toMatchObject({ betaStart: 0.00085, betaSchedule: "linear", clipRange: undefined });
  });

  it("refuses an unknown class with the list of known ones", () => {
    const build = () => createScheduler({ _class_name: "DEISMultistepScheduler" }, { steps: 10 });
    expect(build).toThrow(SchedulerConfigError);
    expect(build).toThrow(/DEISMultistepScheduler.*PNDMScheduler.*HeunDiscreteScheduler/);
    expect(fieldOfError(() => createScheduler({}, { steps: 10 }))).toBe("_class_name");
  });

  it.each([
    ["thresholding", { thresholding: true }],
    ["use_beta_sigmas", { use_beta_sigmas: true }],
    ["use_flow_sigmas", { use_flow_sigmas: true }],
    ["prediction_type", { prediction_type: "flow_prediction" }],
    ["beta_schedule", { beta_schedule: "sigmoid" }],
    ["beta_schedule", { beta_schedule: "exp" }],
    ["timestep_spacing", { timestep_spacing: "even" }],
    ["algorithm_type", { algorithm_type: "dpmsolver" }],
    ["solver_order", { solver_order: 4 }],
    ["solver_order", { algorithm_type: "sde-dpmsolver++", solver_order: 3 }],
    ["variance_type", { variance_type: "learned_range" }],
    ["num_train_timesteps", { num_train_timesteps: 0 }],
    ["beta_start", { beta_start: "0.1" }],
    ["trained_betas", { trained_betas: [0.1, 0.2] }],
    ["use_exponential_sigmas", { use_karras_sigmas: true, use_exponential_sigmas: true }],
  ])("refuses %s by name: %o", (field, part) => {
    const config = { _class_name: "DPMSolverMultistepScheduler", ...part };
    expect(fieldOfError(() => createScheduler(config, { steps: 10 }))).toBe(field);
  });

  it("ignores what is switched off or null", () => {
    const config = { _class_name: "DDIMScheduler", thresholding: false, use_flow_sigmas: null, trained_betas: null };
    expect(createScheduler(config, { steps: 10 }).timesteps).toHaveLength(10);
  });

  it("understands the -Infinity that Python writes, and leaves strings alone", () => {
    const config = parseSchedulerConfig('{"lambda_min_clipped": -Infinity, "a": "-Infinity \\" NaN", "b": NaN}');
    expect(config).toEqual({ lambda_min_clipped: -Infinity, a: '-Infinity " NaN', b: null });
    expect(fieldOfError(() => parseSchedulerConfig("[]"))).toBe("scheduler_config.json");
    expect(fieldOfError(() => parseSchedulerConfig("{"))).toBe("scheduler_config.json");
  });

  it.each([
    ["steps", { steps: 0 }],
    ["steps", { steps: 1001 }],
    ["steps", { steps: 2.5 }],
    ["strength", { steps: 10, strength: 0 }],
    ["strength", { steps: 10, strength: 1.1 }],
    ["strength", { steps: 10, strength: 0.05 }],
    ["eta", { steps: 10, eta: 0.5 }],
    ["steps_offset", { steps: 1000 }],
  ])("refuses the option %s: %o", (field, options) => {
    expect(fieldOfError(() => createScheduler(sd1, options))).toBe(field);
  });

  it("refuses what Runge-Kutta warm-up cannot do", () => {
    const config = { ...sd1, skip_prk_steps: false };
    expect(fieldOfError(() => createScheduler(config, { steps: 3 }))).toBe("steps");
    expect(fieldOfError(() => createScheduler(config, { steps: 10, strength: 0.5 }))).toBe("skip_prk_steps");
  });

  it("refuses epsilon where the first sample holds no signal at all", () => {
    const config = { _class_name: "DDIMScheduler", rescale_betas_zero_snr: true, timestep_spacing: "trailing" };
    expect(fieldOfError(() => createScheduler(config, { steps: 10 }))).toBe("prediction_type");
    const velocity = { ...config, prediction_type: "v_prediction" };
    expect(createScheduler(velocity, { steps: 10 }).timesteps[0]).toBe(999);
    // Leading entries begin below the last timestep, where a little signal is left.
    expect(createScheduler({ ...config, timestep_spacing: "leading" }, { steps: 10 }).timesteps[0]).toBe(900);
  });

  it("refuses more LCM steps than it was distilled on", () => {
    const config = { _class_name: "LCMScheduler" };
    expect(fieldOfError(() => createScheduler(config, { steps: 51 }))).toBe("steps");
    expect(fieldOfError(() => createScheduler(config, { steps: 26, strength: 0.5, shortensSchedule: true }))).toBe(
      "steps",
    );
  });
});

describe("another sampler for the same model", () => {
  it("knows its names", () => {
    expect(samplerNames).toEqual([
      "euler",
      "euler_a",
      "dpmpp_2m",
      "dpmpp_2m_karras",
      "ddim",
      "pndm",
      "lcm",
      "unipc",
      "heun",
    ]);
    expect(isSamplerName("euler_a")).toBe(true);
    expect(isSamplerName("toString")).toBe(false);
  });

  it.each(samplerNames)("%s keeps betas, prediction type and offset of the folder", (name) => {
    const folder = { ...sd1, prediction_type: "v_prediction" };
    const settings = readSchedulerSettings(withSampler(folder, name));
    expect(settings).toMatchObject({
      betaStart: 0.00085,
      betaEnd: 0.012,
      betaSchedule: "scaled_linear",
      predictionType: "v_prediction",
      stepsOffset: 1,
      clipRange: undefined,
    });
  });

  it("covers every class", () => {
    const classes = new Set(samplerNames.map((name) => withSampler(sd1, name)["_class_name"]));
    expect(classes).toEqual(new Set(schedulerClassNames));
  });

  it("means what the name says about Karras sigmas", () => {
    const folder = { ...sd1, _class_name: "EulerDiscreteScheduler", use_karras_sigmas: true };
    expect(readSchedulerSettings(withSampler(folder, "dpmpp_2m")).sigmaCurve).toBe("table");
    expect(readSchedulerSettings(withSampler(sd1, "dpmpp_2m_karras")).sigmaCurve).toBe("karras");
  });

  it("does not clip latents nor warm up unless the folder says so", () => {
    const bare = { _class_name: "EulerDiscreteScheduler" };
    expect(readSchedulerSettings(withSampler(bare, "ddim")).clipRange).toBeUndefined();
    expect(readSchedulerSettings(withSampler({ ...bare, clip_sample: true }, "ddim")).clipRange).toBe(1);
    expect(readSchedulerSettings(withSampler(bare, "pndm")).skipPrkSteps).toBe(true);
  });

  it("corrects old Stable Diffusion folders as the reference's pipelines do", () => {
    const old = { _class_name: "DDIMScheduler", steps_offset: 0 };
    expect(readSchedulerSettings(withStableDiffusionCorrections(old))).toMatchObject({
      stepsOffset: 1,
      clipRange: undefined,
    });
  });
});
