// How many tokens a request may generate, and the refusals of prompts that do not fit, before the request is accepted. Pure.
import { ServerError } from "../../../domain/errors.ts";

export interface LengthQuestion {
  readonly promptTokens: number;
  /** What the caller asked for; `undefined` = the model's default. */
  readonly requested: number | undefined;
  /** The model's default; 0 = up to the end of the context. */
  readonly fallback: number;
  readonly contextSize: number;
  /** The field of the request that holds the prompt. */
  readonly field: "messages" | "prompts";
}

/**
 * Tokens to generate at most; reaching them is `finish_reason: "length"`.
 * @throws ServerError `context_length_exceeded` with the real counts, in OpenAI's words.
 */
export function resolveMaxTokens(question: LengthQuestion): number {
  const { promptTokens, requested, fallback, contextSize } = question;
  const room = contextSize - promptTokens;
  if (room < (requested ?? 1)) throw contextLengthExceeded(question);
  return requested ?? (fallback > 0 ? Math.min(fallback, room) : room);
}

/** The refusal of a prompt that does not fit; `isLowerBound`: it has at least `promptTokens`, and was not read to its end. */
export function contextLengthExceeded({
  promptTokens,
  requested,
  contextSize,
  field,
  isLowerBound = false,
}: Omit<LengthQuestion, "fallback"> & { readonly isLowerBound?: boolean }): ServerError {
  const limit = `This model's maximum context length is ${contextSize} tokens.`;
  const count = (tokens: number): string => `${isLowerBound ? "at least " : ""}${tokens}`;
  const message =
    requested === undefined
      ? `${limit} However, your {${field}} resulted in ${count(promptTokens)} tokens. ` +
        `Please reduce the length of the {${field}}.`
      : `${limit} However, you requested ${count(promptTokens + requested)} tokens ` +
        `(${count(promptTokens)} in the {${field}}, ${requested} in the completion). ` +
        `Please reduce the length of the {${field}} or of the completion.`;
  return new ServerError("context_length_exceeded", { message, param: field });
}

/**
 * Every id must be one of the model's own.
 * @throws ServerError `invalid_value` naming the first that is not, e.g. `prompts[0][3]`.
 */
export function assertTokensInVocabulary(
  tokens: readonly number[],
  { vocabularySize, param }: { vocabularySize: number; param: string },
): void {
  const index = tokens.findIndex((token) => !Number.isInteger(token) || token < 0 || token >= vocabularySize);
  if (index === -1) return;
  throw new ServerError("invalid_value", {
    message: `Token id ${tokens[index]} is outside this model's vocabulary, whose ids are 0 to ${vocabularySize - 1}.`,
    param: `${param}[${index}]`,
  });
}
