// A text model whose vocabulary has the markup of every family as tokens, so that one file can stand for each of them by the options
// `family` and `chatTemplate` (scripts/fixtures/text/families/markup.py). Its weights are random: with biases it does whatever a test
// wants a bad model to do.
import { readFileSync } from "node:fs";
import { FAMILIES } from "../../src/backends/llama/chat/families/families.ts";
import { referencePath } from "./reference-text.ts";

/** Texts that end a turn; llama.cpp knows them by their spelling. */
const ends = ["<|im_end|>", "<|return|>", "<|call|>", "<|END_OF_TURN_TOKEN|>", "<|eot_id|>"];
const furtherEnds = ["<|endoftext|>", "<｜end▁of▁sentence｜>", "<|tool_response>"];

export interface MarkupModel {
  readonly path: string;
  /** Tokens of the vocabulary. */
  readonly size: number;
  readonly has: (text: string) => boolean;
  /** Id of a token by its text, as the vocabulary spells it. */
  readonly tokenOf: (text: string) => number;
  /** Ids of the tokens that end a turn. */
  readonly ends: readonly number[];
}

/** @throws Error where a family has markup that the file lacks: then it belongs into markup.py. */
export function useMarkupModel(): MarkupModel {
  const path = referencePath("markup", "markup-f16.gguf");
  const tokens = JSON.parse(readFileSync(referencePath("markup", "tokens.json"), "utf8")) as readonly string[];
  const tokenOf = (text: string): number => {
    const id = tokens.indexOf(text);
    if (id === -1) throw new Error(`The vocabulary has no token ${text}.`);
    return id;
  };
  for (const text of markupOfFamilies()) tokenOf(text);
  return {
    path,
    size: tokens.length,
    has: (text) => tokens.includes(text),
    tokenOf,
    ends: [...ends, ...furtherEnds].map(tokenOf),
  };
}

/** Markup that is one token in published vocabularies. */
function markupOfFamilies(): string[] {
  return FAMILIES.flatMap((family) => [
    ...family.keepTokens,
    ...family.reasoning.flatMap(({ open, close }) => [open, close]).filter((text) => /[>\]]$/.test(text)),
  ]).filter((text) => !text.includes(" ") && (text.match(/[<[]/g) ?? []).length === 1);
}
