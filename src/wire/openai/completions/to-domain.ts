// Maps a validated completion request to the domain's.
import type { CompletionRequest } from "../../../domain/completion.ts";
import type { CompletionRequestWire } from "./contract.ts";
import { toTextInputs } from "../../contract/text-input.ts";
import { toOutputConstraint, toSamplingOptions, toStopStrings } from "../shared/sampling.ts";
import { given } from "../../contract/common.ts";

const defaultMaxTokens = 16;

/** `request` has passed the completion contract. Explicit nulls are read as absent, and so is an empty suffix. */
export function toCompletionRequest(request: CompletionRequestWire): CompletionRequest {
  const n = request.n ?? 1;
  return {
    prompts: toTextInputs(request.prompt),
    ...given("suffix", request.suffix === "" ? null : request.suffix),
    echo: request.echo ?? false,
    n,
    bestOf: request.best_of ?? n,
    topLogprobs: request.logprobs ?? null,
    constraint: toOutputConstraint(request),
    sampling: toSamplingOptions(request),
    limits: { maxTokens: request.max_tokens ?? defaultMaxTokens, stop: toStopStrings(request.stop) },
  };
}
