// Parts that the answers of chat and completions share: header fields, stream options, finish reasons, log-probabilities, padding.
import { randomBytes } from "node:crypto";
import type { FinishReason } from "../../../domain/text.ts";

/** Fields of an answer that do not come from the events. */
export interface AnswerHeader {
  readonly id: string;
  /** Unix seconds. */
  readonly createdSeconds: number;
  /** The model's name as the caller wrote it. */
  readonly model: string;
  readonly fingerprint: string;
}

/** `stream_options`, with absent read as false. */
export interface StreamOptions {
  readonly includeUsage: boolean;
  readonly includeObfuscation: boolean;
}

export function toStreamOptions(request: {
  readonly stream_options?:
    | { readonly include_usage?: boolean | null | undefined; readonly include_obfuscation?: boolean | null | undefined }
    | null
    | undefined;
}): StreamOptions {
  return {
    includeUsage: request.stream_options?.include_usage === true,
    includeObfuscation: request.stream_options?.include_obfuscation === true,
  };
}

/** OpenAI's `finish_reason` of a text completion, which knows neither tools nor functions. */
export function toTextFinishReason(reason: FinishReason): "stop" | "length" | "content_filter" {
  switch (reason) {
    case "length":
      return "length";
    case "content-filter":
      return "content_filter";
    case "end-of-turn":
    case "stop-string":
    case "tool-calls":
      return "stop";
  }
}

/** JSON has no infinities; OpenAI writes -9999 for a token that has next to no chance. */
export function toWireLogprob(logprob: number | null): number {
  return logprob !== null && Number.isFinite(logprob) ? logprob : -9999;
}

const obfuscationStep = 32;

/** Random characters that bring `length` to the next multiple of 32, so that a chunk's size says less of its text. */
export function obfuscate(length: number): string {
  const count = obfuscationStep - (length % obfuscationStep);
  return randomBytes(count).toString("base64url").slice(0, count);
}
