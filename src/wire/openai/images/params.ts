// How a path in the domain's image requests is written in the request that the caller sent, for generations and edits.
import { renameParam } from "../../contract/param-names.ts";

const names = {
  negativePrompt: "negative_prompt",
  format: "output_format",
  compression: "output_compression",
  guidanceScale: "guidance_scale",
  partialImages: "partial_images",
};

/** What is no path of the domain, or has the same name there, stays as it is. */
export function toImageParam(path: string): string {
  return renameParam(path, names);
}
