// How a path in the domain's completion request is written in the request that the caller sent.
import { renameParam } from "../../contract/param-names.ts";
import { toTextInputs } from "../../contract/text-input.ts";
import { generationNames } from "../shared/param-names.ts";
import type { CompletionRequestWire } from "./contract.ts";

/** `request` is the one that was mapped to the domain. What is no path of the domain stays as it is. */
export function toCompletionParam(path: string, request: CompletionRequestWire): string {
  return renameParam(path, {
    ...generationNames(request, "max_tokens"),
    prompts: "prompt",
    // A caller who sent one text, or one flat list of token ids, knows no index.
    "prompts[]": toTextInputs(request.prompt).length === 1 ? "prompt" : "prompt[]",
    bestOf: "best_of",
    topLogprobs: "logprobs",
  });
}
