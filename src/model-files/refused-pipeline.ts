// Says of a pipeline's folder why it is not served, where its parts show that it is of another kind than Stable Diffusion 1, 2 and XL.

const served = "Served are Stable Diffusion 1, 2 and XL, which have a unet/.";

/**
 * A sentence without its subject, the folder; undefined where the parts may be those of a pipeline that is served.
 * @param className `_class_name` of model_index.json, empty where there is none
 */
export function refusedPipeline(names: readonly string[], className: string): string | undefined {
  const named = className === "" ? "" : ` (${className})`;
  if (names.includes("unet")) {
    const isRefiner = names.includes("text_encoder_2") && !names.includes("text_encoder");
    return isRefiner ? `is an SDXL refiner${named}, which is not served. ${served}` : undefined;
  }
  if (names.includes("transformer")) {
    return `is a transformer pipeline${named}, as SD3, Flux and PixArt are; these are not served. ${served}`;
  }
  return undefined;
}
