// Log-probabilities in the shape of completions, older than that of chat: parallel lists, and offsets into the text of the choice.
import type { TokenLogprob } from "../../../domain/text.ts";
import type { CompletionLogprobs } from "./contract.ts";
import { toWireLogprob } from "../shared/text-response.ts";

/** Maps one choice's tokens, in order; offsets go on from one call to the next, as the chunks of a stream need. */
export type CompletionLogprobsMapper = (tokens: readonly TokenLogprob[]) => CompletionLogprobs;

/**
 * `text_offset` counts Unicode code points (as Python, for which this shape was made, does) from the start of the
 * choice's `text`. A token that is a piece of a code point is written `bytes:\xe2\x82`, as OpenAI does, so that two
 * such tokens do not fall together; its code point counts with the token that completes it.
 * `top_logprobs` holds the chosen token beside the likeliest ones. The first token of an echoed prompt has nulls.
 */
export function createCompletionLogprobsMapper(): CompletionLogprobsMapper {
  let offset = 0;
  return (tokens) => {
    const mapped: CompletionLogprobs = { tokens: [], token_logprobs: [], top_logprobs: [], text_offset: [] };
    for (const token of tokens) {
      mapped.tokens.push(tokenText(token));
      mapped.text_offset.push(offset);
      offset += countCodePointStarts(token.bytes);
      if (token.logprob === null) {
        mapped.token_logprobs.push(null);
        mapped.top_logprobs.push(null);
        continue;
      }
      mapped.token_logprobs.push(toWireLogprob(token.logprob));
      mapped.top_logprobs.push(topLogprobs(token));
    }
    return mapped;
  };
}

function topLogprobs(token: TokenLogprob): Record<string, number> {
  const likeliest = new Map<string, number>();
  for (const candidate of [...token.top, token]) {
    const text = tokenText(candidate);
    // Two ids may have the same text; the likelier one comes first.
    if (!likeliest.has(text)) likeliest.set(text, toWireLogprob(candidate.logprob));
  }
  // Not by assignment: a token may read __proto__.
  return Object.fromEntries(likeliest);
}

function tokenText(token: Pick<TokenLogprob, "text" | "bytes">): string {
  if (!token.text.includes("\uFFFD") || Buffer.from(token.bytes).equals(Buffer.from(token.text))) return token.text;
  return `bytes:${token.bytes.map((byte) => `\\x${byte.toString(16).padStart(2, "0")}`).join("")}`;
}

/** Every code point has one byte that is no continuation byte (10xxxxxx). */
function countCodePointStarts(bytes: readonly number[]): number {
  let count = 0;
  for (const byte of bytes) if ((byte & 0xc0) !== 0x80) count += 1;
  return count;
}
