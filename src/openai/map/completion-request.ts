// A validated completion request -> the domain's words.
import type { CompletionPrompt, CompletionRequest } from "../../domain/completion.ts";
import type { CompletionRequestWire } from "../schema/completion.ts";
import type { TextInput } from "../schema/generation.ts";
import { given, toOutputConstraint, toSamplingOptions, toStopStrings } from "./sampling.ts";

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

/** The list behind the four spellings of a text input. */
export function toTextInputs(input: TextInput): readonly CompletionPrompt[] {
  if (typeof input === "string") return [input];
  const [first] = input;
  return typeof first === "number" ? [input as number[]] : (input as string[] | number[][]);
}
