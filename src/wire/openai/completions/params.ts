// Translates a path in the domain's completion request to the name of the field in the caller's request.
import { renameParam } from "../../contract/param-names.ts";
import { toTextInputs } from "../../contract/text-input.ts";
import { generationNames } from "../shared/param-names.ts";
import type { CompletionRequestWire } from "./contract.ts";

/** The caller's name for `path`. `request` is the one that was mapped to the domain; a path that the domain does not have stays as it is. */
export function toCompletionParam(path: string, request: CompletionRequestWire): string {
  return renameParam(path, {
    ...generationNames(request, "max_tokens"),
    prompts: "prompt",
    // One text, or one flat list of token ids, has no index in the caller's request.
    "prompts[]": toTextInputs(request.prompt).length === 1 ? "prompt" : "prompt[]",
    bestOf: "best_of",
    topLogprobs: "logprobs",
  });
}
