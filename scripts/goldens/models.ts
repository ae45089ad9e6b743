// The models of the golden values other than the story model, for the script and the tests alike.

import { type BertGgufFixtureOptions, writeLlamaFixture } from "../build-models/fixtures.ts";

/** An encoder for embeddings. */
export const goldenBert: BertGgufFixtureOptions = { seed: 3, name: "bert" };

/** tiny-chat's vocabulary in a model of f32: not every build of llama.cpp can compute with the q8_0 of tiny-chat itself. */
export function writeChatVocabulary(path: string): void {
  writeLlamaFixture(path, { vocabulary: 1536, type: "f32" });
}
