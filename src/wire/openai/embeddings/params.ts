// How a path in the domain's embedding request is written in the request that the caller sent.
import { renameParam } from "../../contract/param-names.ts";
import { toTextInputs } from "../../contract/text-input.ts";
import type { EmbeddingRequestWire } from "./contract.ts";

/** `request` is the one that was mapped to the domain. What is no path of the domain stays as it is. */
export function toEmbeddingParam(path: string, request: EmbeddingRequestWire): string {
  return renameParam(path, {
    inputs: "input",
    // A caller who sent one text, or one flat list of token ids, knows no index.
    "inputs[]": toTextInputs(request.input).length === 1 ? "input" : "input[]",
    inputType: "input_type",
  });
}
