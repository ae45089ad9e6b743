import { describe, expect, it } from "vitest";
import { detectDistillation } from "../../../../../src/backends/diffusion/folder/model-folder.ts";
import { modelDefaults } from "../../../../../src/backends/diffusion/request/request-settings.ts";

type Facts = Parameters<typeof detectDistillation>[0];

const plain: Facts = { family: "sd", schedulerConfig: {}, unetConfig: {}, className: "", folderName: "model" };

/** As the published folders have it. */
const scheduler = (name: string, fields: Record<string, unknown> = {}) => ({
  schedulerConfig: { _class_name: name, ...fields },
});
const trailing = { timestep_spacing: "trailing", prediction_type: "epsilon" };

describe("detectDistillation", () => {
  const cases: readonly (readonly [string, Partial<Facts>, string])[] = [
    ["Stable Diffusion 1.5", scheduler("PNDMScheduler"), "none"],
    ["Stable Diffusion 2.1", scheduler("DDIMScheduler", { prediction_type: "v_prediction" }), "none"],
    ["a zero-SNR model", scheduler("EulerDiscreteScheduler", { ...trailing, prediction_type: "v_prediction" }), "none"],
    ["SD-Turbo", scheduler("EulerDiscreteScheduler", trailing), "turbo"],
    ["SDXL base", { family: "sdxl", ...scheduler("EulerDiscreteScheduler", { timestep_spacing: "leading" }) }, "none"],
    ["SDXL-Turbo", { family: "sdxl", ...scheduler("EulerAncestralDiscreteScheduler", trailing) }, "turbo"],
    ["SDXL-Lightning", { family: "sdxl", ...scheduler("EulerDiscreteScheduler", trailing) }, "lightning"],
    ["LCM by its scheduler", scheduler("LCMScheduler"), "lcm"],
    ["LCM by its UNet", { ...scheduler("DDIMScheduler"), unetConfig: { time_cond_proj_dim: 256 } }, "lcm"],
    ["LCM by its pipeline", { ...scheduler("DDIMScheduler"), className: "LatentConsistencyModelPipeline" }, "lcm"],
  ];
  it.each(cases)("%s", (_name, facts, expected) => {
    expect(detectDistillation({ ...plain, ...facts })).toBe(expected);
  });
});

describe("modelDefaults", () => {
  it("suit the pipeline where the configuration says nothing", () => {
    const nothing = { steps: null, guidanceScale: null };
    const of = (distillation: Parameters<typeof modelDefaults>[1]["distillation"], toldGuidance = false) =>
      modelDefaults(nothing, { distillation, toldGuidance });
    expect(of("none")).toEqual({ steps: 25, guidanceScale: 7.5 });
    expect(of("turbo")).toEqual({ steps: 1, guidanceScale: 0 });
    expect(of("lightning")).toEqual({ steps: 4, guidanceScale: 0 });
    expect(of("lcm")).toEqual({ steps: 4, guidanceScale: 1.5 });
    expect(of("lcm", true)).toEqual({ steps: 4, guidanceScale: 8.5 });
    const configured = { steps: 8, guidanceScale: 0 };
    expect(modelDefaults(configured, { distillation: "lcm", toldGuidance: true })).toEqual(configured);
  });
});
