// Finds the control tokens to ban under a grammar. llama.cpp matches tokens by their text, so that the token `<|im_start|>` could
// stand in a JSON string, and would then be missing in the answer, which shows text only. Pure.
import type { OutputConstraint } from "../../../domain/sampling.ts";
import type { ChatFamily, FreePart, PlannedGrammar } from "../chat/types.ts";

export interface ControlText {
  readonly id: number;
  readonly text: string;
}

/** A grammar that the whole answer has to follow. */
type AnswerGrammar = PlannedGrammar | Exclude<OutputConstraint, { readonly type: "text" }>;

type FamilyMarkup = Pick<ChatFamily, "keepTokens" | "dropped">;

/**
 * Ids of the control tokens that the grammar does not itself ask for: a family's calls contain its markup, and callers may name a
 * token in a grammar of their own.
 */
export function bannedUnder(
  grammar: AnswerGrammar,
  { controlTokens, family }: { readonly controlTokens: readonly ControlText[]; readonly family: FamilyMarkup },
): number[] {
  return idsOf(controlTokens, ({ id, text }) => !isWrittenBy(grammar, { id, text, family }));
}

/** Ids of the control tokens to ban while a free part may still come first: all but the family's markup and the part's own. */
export function bannedBefore(
  { ways }: FreePart,
  { controlTokens, family }: { readonly controlTokens: readonly ControlText[]; readonly family: FamilyMarkup },
): number[] {
  const markup = [...family.keepTokens, ...family.dropped, ...ways.flatMap(({ open, ends }) => [open, ...ends])];
  return idsOf(controlTokens, ({ text }) => !markup.some((marker) => marker.includes(text)));
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

function isWrittenBy(
  grammar: AnswerGrammar,
  { id, text, family }: { readonly id: number; readonly text: string; readonly family: FamilyMarkup },
): boolean {
  switch (grammar.type) {
    case "json-object":
    case "json-schema":
      return false;
    case "grammar":
    case "gbnf":
      // `<[1000]>` and `!<...>` are llama.cpp's spellings of one token, and of any other one.
      return [text, `<[${id}]>`, "!<"].some((spelling) => grammar.grammar.includes(spelling));
    case "tool-calls":
      return family.keepTokens.includes(text);
    case "headed-text":
      return grammar.textOpen.includes(text) || isWrittenBy(grammar.text, { id, text, family });
    case "calls-or-text":
      return family.keepTokens.includes(text) || grammar.textOpen.includes(text);
  }
}

function idsOf(controlTokens: readonly ControlText[], isBanned: (token: ControlText) => boolean): number[] {
  return controlTokens.filter((token) => token.text !== "" && isBanned(token)).map(({ id }) => id);
}
