// Finds the control tokens to ban under a grammar. llama.cpp matches tokens by their text, so that the token `<|im_start|>` could
// stand in a JSON string, and would then be missing in the answer, which shows text only. Pure.
import type { ChatFamily, FreePart } from "../chat/types.ts";

export interface ControlText {
  readonly id: number;
  readonly text: string;
}

/**
 * Ids of the control tokens that a grammar does not itself ask for, by `<[id]>`. `callers` = a grammar that the caller wrote, which may
 * name a token by its text.
 */
export function bannedUnder(
  grammar: string,
  {
    controlTokens,
    callers = "",
  }: { readonly controlTokens: readonly ControlText[]; readonly callers?: string | undefined },
): number[] {
  return idsOf(controlTokens, ({ id, text }) => !grammar.includes(`<[${id}]>`) && !callers.includes(text));
}

/**
 * Ids of the control tokens to ban inside a free part: all but those of its end. Any other one would begin or end a part of the
 * answer, which is not to come yet. Where it has no channels, a model may mention its own markup in its thoughts.
 */
export function bannedInside(
  { ways }: FreePart,
  { controlTokens, family }: { readonly controlTokens: readonly ControlText[]; readonly family: ChatFamily },
): number[] {
  const ends = ways.flatMap((way) => way.ends);
  const mentioned = family.channels === undefined ? family.keepTokens : [];
  const markup = [...ends, ...mentioned.filter((text) => !family.stopTexts.includes(text))];
  return idsOf(controlTokens, ({ text }) => !markup.some((marker) => marker.includes(text)));
}

function idsOf(controlTokens: readonly ControlText[], isBanned: (token: ControlText) => boolean): number[] {
  return controlTokens.filter((token) => token.text !== "" && isBanned(token)).map(({ id }) => id);
}
