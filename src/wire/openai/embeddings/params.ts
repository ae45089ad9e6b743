// Translates a path in the domain's embedding request to the name of the field in the caller's request.
import { renameParam } from "../../contract/param-names.ts";
import { toTextInputs } from "../../contract/text-input.ts";
import type { EmbeddingRequestWire } from "./contract.ts";

/** The caller's name for `path`. `request` is the one that was mapped to the domain; a path that the domain does not have stays as it is. */
export function toEmbeddingParam(path: string, request: EmbeddingRequestWire): string {
  return renameParam(path, {
    inputs: "input",
    // One text, or one flat list of token ids, has no index in the caller's request.
    "inputs[]": toTextInputs(request.input).length === 1 ? "input" : "input[]",
    inputType: "input_type",
    promptName: "prompt_name",
  });
}
