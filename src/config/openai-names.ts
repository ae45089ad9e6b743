// The names of OpenAI's models. An application written for OpenAI asks for them, so they stand for this server's models of the same kind:
// a name says which endpoint is meant, not how good the answer is.
import type { ModelPurpose } from "../domain/model.ts";

type NamedPurpose = Extract<ModelPurpose, "text" | "embedding" | "image">;

/** Names that the list of models shows; {@link purposeOfOpenAiName} knows all others as well. */
export const commonOpenAiNames: Readonly<Record<NamedPurpose, readonly string[]>> = {
  text: [
    "gpt-3.5-turbo",
    "gpt-3.5-turbo-instruct",
    "gpt-4o",
    "gpt-4o-mini",
    "gpt-4.1",
    "gpt-4.1-mini",
    "gpt-5",
    "gpt-5-mini",
  ],
  embedding: ["text-embedding-3-small", "text-embedding-3-large", "text-embedding-ada-002"],
  image: ["dall-e-2", "dall-e-3", "gpt-image-1"],
};

/**
 * The families that OpenAI offers at present, dated versions (`gpt-4o-2024-08-06`) included. A name of no such family is more likely a
 * slip, which is better told.
 */
const patterns: readonly (readonly [RegExp, NamedPurpose])[] = [
  [/^(?:dall-e-|gpt-image-|chatgpt-image-)/, "image"],
  [/^text-embedding-/, "embedding"],
  [/^(?:ft:)?(?:gpt-(?:3\.5|4|5)(?!\d)|chatgpt-|o[134](?:-|$)|codex-|text-davinci-|davinci-|babbage-)/, "text"],
];

/** What a model of that name is for; `undefined` where OpenAI has none. Names of sound and moderation models are not told apart. */
export function purposeOfOpenAiName(name: string): NamedPurpose | undefined {
  return patterns.find(([pattern]) => pattern.test(name))?.[1];
}
