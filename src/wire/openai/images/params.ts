// Translates a path in the domain's image requests to the name of the field in the caller's request, for generations and edits.
import { renameParam } from "../../contract/param-names.ts";

const names = {
  negativePrompt: "negative_prompt",
  format: "output_format",
  compression: "output_compression",
  guidanceScale: "guidance_scale",
  partialImages: "partial_images",
};

/** The caller's name for `path`. A path that is not in the table has the same name in both requests. */
export function toImageParam(path: string): string {
  return renameParam(path, names);
}
