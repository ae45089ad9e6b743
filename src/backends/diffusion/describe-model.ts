// Describes a loaded model: the sizes that it makes, its memory, and facts for the model list.
import { createHash } from "node:crypto";
import { arch } from "node:os";
import { runtimeVersion } from "../onnx/runtime.ts";
import type { BackendDescription } from "../../domain/backend.ts";
import type { ImageModelOptions } from "../../domain/model.ts";
import { textOr } from "../../model-files/json-file.ts";
import type { SizeRules } from "./request/image-size.ts";
import type { LoadedModel } from "./loaded-model.ts";
import { estimateMemoryBytes, fitsAsBatch } from "./folder/memory-estimate.ts";
import { samplerTitle } from "./output/generation-parameters.ts";
import { modelDefaults, schedulerConfigFor } from "./request/request-settings.ts";

export function sizeRulesOf({ folder, fixedSize, latentMultiple }: LoadedModel, options: ImageModelOptions): SizeRules {
  const { vaeScale, sampleSize } = folder;
  const native = options.upscale ? options.nativeSize : 0;
  const multiple = vaeScale * latentMultiple;
  const onlySize = native > 0 ? undefined : fixedSize;
  const side = options.defaultSize || (options.upscale ? 0 : options.nativeSize);
  const own =
    side > 0
      ? { width: side, height: side }
      : { width: sampleSize.width * vaeScale, height: sampleSize.height * vaeScale };
  const { minSize, maxSize } = options;
  const within = (length: number): number =>
    Math.round(Math.min(maxSize, Math.max(minSize, length)) / multiple) * multiple;
  return {
    // The model does not make what is resampled afterwards, so its own multiple does not bind.
    multiple: native > 0 ? vaeScale : multiple,
    generatedMultiple: multiple,
    minSize,
    maxSize,
    onlySize,
    nativeSize: native,
    defaultSize: onlySize ?? { width: within(own.width), height: within(own.height) },
  };
}

export function describeModel(
  model: LoadedModel,
  { options, sizeRules }: { readonly options: ImageModelOptions; readonly sizeRules: SizeRules },
): Omit<BackendDescription, "operations"> {
  const { folder, opener, weightBytes } = model;
  const { defaultSize, nativeSize, minSize, maxSize } = sizeRules;
  const size = nativeSize > 0 ? { width: nativeSize, height: nativeSize } : defaultSize;
  const { toldGuidance } = model.unetShape;
  const defaults = modelDefaults(options, { distillation: folder.distillation, toldGuidance });
  const guided = defaults.guidanceScale > 1 && !toldGuidance;
  const batched =
    options.guidanceBatch === "batch" || (options.guidanceBatch === "auto" && fitsAsBatch(folder, { size }));
  const scheduler = schedulerConfigFor(folder, options.scheduler);
  return {
    memoryBytes: estimateMemoryBytes(folder, {
      weights: weightBytes,
      lowMemory: options.lowMemory,
      size,
      batch: model.unetShape.batch ?? (guided && batched ? 2 : 1),
      tileSize: options.vaeTileSize,
    }),
    ...opener.use,
    fingerprint: fingerprintOf([
      model.fingerprint,
      opener.use.device,
      runtimeVersion(),
      arch(),
      String(options.threads),
    ]),
    facts: {
      pipeline: pipelineName(model),
      native_size:
        nativeSize > 0
          ? `${nativeSize}x${nativeSize}`
          : `${folder.sampleSize.width * folder.vaeScale}x${folder.sampleSize.height * folder.vaeScale}`,
      default_size: `${defaultSize.width}x${defaultSize.height}`,
      min_size: minSize,
      max_size: maxSize,
      size_multiple: sizeRules.multiple,
      upscaled: nativeSize > 0,
      steps: defaults.steps,
      guidance_scale: defaults.guidanceScale,
      scheduler: samplerTitle(scheduler),
      prediction_type: textOr(scheduler["prediction_type"], "epsilon"),
      low_memory: options.lowMemory,
    },
  };
}

function pipelineName({ folder }: LoadedModel): string {
  const base = folder.family === "sdxl" ? "stable-diffusion-xl" : "stable-diffusion";
  const kind = folder.inputChannels === 9 ? "-inpainting" : "";
  return folder.distillation === "none" ? `${base}${kind}` : `${base}${kind}-${folder.distillation}`;
}

/** A short hash over everything that decides a picture's bytes, the request aside. */
function fingerprintOf(parts: readonly string[]): string {
  return `fp_${createHash("sha256").update(parts.join("\n")).digest("hex").slice(0, 10)}`;
}
