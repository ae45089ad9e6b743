// Folders that cannot be loaded: each is refused in words that say what to do.
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { ServerError } from "../../../src/domain/errors.ts";
import { createDiffusionModels, type LogLine } from "../../support/diffusion.ts";

const models = createDiffusionModels();
afterAll(() => models.close());

describe("folders that cannot be loaded", () => {
  /** The message of a failed load. */
  const refusalOf = async (path: string): Promise<string> => {
    const failure: unknown = await models.open(path).then(
      () => "it was loaded",
      (error: unknown) => error,
    );
    if (failure instanceof ServerError && failure.kind === "model_load_failed") return failure.message;
    return `not refused as expected: ${String(failure)}`;
  };

  it("a folder of another kind is told what was expected and what was found", async () => {
    const other = models.emptyFolder("kandinsky");
    for (const part of ["movq", "unet"]) mkdirSync(join(other, part));
    writeFileSync(join(other, "model_index.json"), JSON.stringify({ _class_name: "KandinskyV22Pipeline" }));
    expect(await refusalOf(other)).toMatch(
      /Expected .*unet\/model\.onnx.*Missing: text_encoder.*Found in .*KandinskyV22Pipeline.*movq/s,
    );
    expect(await refusalOf(join(other, "nowhere"))).toMatch(/found nothing there/);
  });

  it.each(["StableDiffusion3Pipeline", "FluxPipeline", "PixArtSigmaPipeline"])(
    "%s is said to be a transformer",
    async (name) => {
      const path = models.emptyFolder("transformer");
      for (const part of ["scheduler", "text_encoder", "tokenizer", "transformer", "vae_decoder"])
        mkdirSync(join(path, part));
      writeFileSync(join(path, "model_index.json"), JSON.stringify({ _class_name: name }));
      expect(await refusalOf(path)).toBe(
        `${path} is a transformer pipeline (${name}), as SD3, Flux and PixArt are; these are not served. ` +
          "Served are Stable Diffusion 1, 2 and XL, which have a unet/.",
      );
    },
  );

  it("SDXL's refiner is named", async () => {
    const path = models.copy("sdxl");
    for (const part of ["text_encoder", "tokenizer"]) rmSync(join(path, part), { recursive: true });
    expect(await refusalOf(path)).toMatch(/is an SDXL refiner \(StableDiffusionXLPipeline\), which is not served/);
  });

  it.each([
    [
      "DEISMultistepScheduler",
      "`scheduler: dpmpp_2m` in the model's configuration would serve (so would euler, euler_a,",
    ],
    ["KDPM2AncestralDiscreteScheduler", "`scheduler: euler_a` in the model's configuration would serve"],
    ["DDPMScheduler", "`scheduler: ddim` in the model's configuration would serve"],
    ["MagicScheduler", "`scheduler: euler` in the model's configuration would serve"],
    ["FlowMatchEulerDiscreteScheduler", "No other scheduler would serve this model."],
  ])("a folder with a %s says which scheduler would serve", async (name, advice) => {
    const path = models.copy("sd15");
    writeFileSync(join(path, "scheduler/scheduler_config.json"), JSON.stringify({ _class_name: name }));
    const refusal = await refusalOf(path);
    expect(refusal).toContain(`scheduler class "${name}" is not supported`);
    expect(refusal).toContain(advice);
    const advised = /`scheduler: (\w+)`/.exec(refusal)?.[1];
    if (advised !== undefined) await models.open(path, { scheduler: advised });
  });

  it("weights for another runtime are recognised", async () => {
    const path = models.copy("sd15");
    rmSync(join(path, "unet/model.onnx"));
    writeFileSync(join(path, "unet/diffusion_pytorch_model.safetensors"), "");
    expect(await refusalOf(path)).toMatch(/unet\/diffusion_pytorch_model\.safetensors.*optimum-cli export onnx/);
  });

  it("a graph that is cut off, and a file that is no graph, are named", async () => {
    const path = models.copy("sd15");
    const file = join(path, "unet/model.onnx");
    writeFileSync(file, readFileSync(file).subarray(0, 5000));
    expect(await refusalOf(path)).toMatch(/unet\/model\.onnx is not an ONNX graph/);
    writeFileSync(file, "");
    expect(await refusalOf(path)).toMatch(/unet\/model\.onnx/);
  });

  it("external weights that are missing are named", async () => {
    const path = models.copy("sdxl");
    rmSync(join(path, "unet/model.onnx_data"));
    expect(await refusalOf(path)).toMatch(/'model\.onnx_data' beside it; that file is missing/);
  });

  it("a missing tokenizer, a missing or unknown scheduler, and other numbers of channels are named", async () => {
    const tokenizer = models.copy("sd15");
    rmSync(join(tokenizer, "tokenizer"), { recursive: true });
    expect(await refusalOf(tokenizer)).toMatch(/tokenizer/);
    const scheduler = models.copy("sd15");
    writeFileSync(
      join(scheduler, "scheduler/scheduler_config.json"),
      JSON.stringify({ _class_name: "MagicScheduler" }),
    );
    expect(await refusalOf(scheduler)).toMatch(/MagicScheduler/);
    rmSync(join(scheduler, "scheduler"), { recursive: true });
    expect(await refusalOf(scheduler)).toMatch(/scheduler_config\.json is missing/);
    const channels = models.copy("sd15");
    writeFileSync(join(channels, "unet/config.json"), JSON.stringify({ in_channels: 8 }));
    expect(await refusalOf(channels)).toMatch(/4 input channels, or 9 for inpainting.*8/);
  });

  it("a UNet of SDXL without the second encoder is refused", async () => {
    const path = models.copy("sdxl");
    rmSync(join(path, "text_encoder_2"), { recursive: true });
    expect(await refusalOf(path)).toMatch(/text_embeds/);
  });

  it("falls back to the CPU from a device that is not there, and says so", async () => {
    const log: LogLine[] = [];
    const backend = await models.open(models.folder("sd15"), { executionProviders: ["nonsense", "cpu"] }, log);
    expect(backend.description.device).toBe("cpu");
    expect(backend.description.deviceNote).toContain("nonsense");
    expect(log.some(({ level }) => level === "warn")).toBe(true);
  });
});
