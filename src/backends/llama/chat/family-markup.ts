// The family's markup as far as it is tokens of the model's vocabulary. Pure.
import { MarkupTokens } from "../tokens/markup-tokens.ts";
import type { SpecialToken } from "../tokens/vocabulary.ts";
import type { ChatFamily } from "./types.ts";

/** What published vocabularies have tokens for. */
const marks = /<[^<>]+>|\[[^[\]]+\]/g;

/** Which of the vocabulary's special tokens are markup of the family. */
export function familyMarkup(
  family: ChatFamily,
  {
    specialTokens,
    isEndOfGeneration,
  }: { readonly specialTokens: readonly SpecialToken[]; readonly isEndOfGeneration: (id: number) => boolean },
): MarkupTokens {
  const texts = new Set(textsOf(family).flatMap((text) => text.match(marks) ?? []));
  return new MarkupTokens(
    specialTokens
      .filter(({ text }) => texts.has(text))
      .map(({ id, text }) => ({ id, text, endsAnswer: isEndOfGeneration(id) })),
  );
}

function textsOf(value: unknown): string[] {
  if (typeof value === "string") return [value];
  return typeof value === "object" && value !== null ? Object.values(value).flatMap(textsOf) : [];
}
