// Starts a grammar at a place in the answer, which may lie inside a token, or behind text that the prompt already holds.
import type { NativeGrammarState } from "../../native/binding.ts";
import type { NativeModelHandle } from "../../native/model.ts";
import type { ActiveGrammar } from "../../engine/sequence.ts";
import type { Vocabulary } from "../../tokens/vocabulary.ts";
import type { MarkupTokens } from "../../tokens/markup-tokens.ts";
import { gbnfLiteral } from "../gbnf-text.ts";
import type { TokenTrace } from "./token-trace.ts";

export interface GateParts {
  readonly native: NativeModelHandle;
  readonly vocabulary: Vocabulary;
  readonly markup: MarkupTokens;
  /** GBNF with the start rule `root`. */
  readonly grammar: string;
  /** Tokens that are banned while the grammar is active. */
  readonly banned: readonly number[];
}

/** What a gate answers: see `GrammarGate`. */
export type Opening = { readonly grammar: ActiveGrammar | undefined; readonly again: boolean };

/** The name of start rules that are written here; no compiled grammar has one like it. */
export const startRule = "hearth-start";

export interface GrammarPlace {
  readonly trace: TokenTrace;
  /** The grammar's first character in the trace's text. */
  readonly offset: number;
  /** Text that the grammar has to read first, because the prompt ends with it. */
  readonly assumed: string;
  /** @default "root" */
  readonly root?: string;
}

/**
 * The grammar from the character at `offset` on, which has accepted what was generated since then. A last token that it does not
 * allow is to be sampled again; where it does not allow an earlier one, it does not become active (`undefined`).
 */
export function openAt(
  { native, vocabulary, markup, grammar, banned }: GateParts,
  { trace, offset, assumed, root = "root" }: GrammarPlace,
): Opening | undefined {
  if (offset >= trace.text.length) {
    const state = native.createGrammarState(grammar, root);
    return isAccepted({ native, vocabulary, markup, state }, assumed)
      ? { grammar: { state, banned }, again: false }
      : undefined;
  }
  const first = trace.tokenAt(offset);
  const before = trace.text.slice(trace.starts[first], offset);
  // Text before the grammar and text assumed before it exclude each other: the token is then sampled again without the former.
  const startsInside = before !== "" && assumed === "";
  const state = startsInside
    ? native.createGrammarState(`${grammar}\n${startRule} ::= ${gbnfLiteral(before)} ${root}`, startRule)
    : native.createGrammarState(grammar, root);
  if (!isAccepted({ native, vocabulary, markup, state }, assumed)) return undefined;
  for (const token of trace.tokens.slice(first, -1)) {
    if (!native.grammarAllows(state, token)) return undefined;
    native.grammarAccept(state, token);
  }
  const last = trace.tokens.at(-1) as number;
  if (!native.grammarAllows(state, last)) return { grammar: { state, banned }, again: true };
  native.grammarAccept(state, last);
  return { grammar: { state, banned }, again: false };
}

interface TextReader {
  readonly native: NativeModelHandle;
  readonly vocabulary: Vocabulary;
  readonly markup: MarkupTokens;
  readonly state: NativeGrammarState;
}

function isAccepted(reader: TextReader, text: string): boolean {
  return text === "" || acceptText(reader, text) === undefined;
}

const encoder = new TextEncoder();

/**
 * Advances a grammar over a text: markup by its tokens where the grammar wants them, all else byte by byte. How a tokenizer would cut
 * it does not matter to a grammar, and some put a space first. Returns the offset of the first character that the grammar does not
 * allow; its state is then of no use.
 */
export function acceptText(reader: TextReader, text: string): number | undefined {
  let offset = 0;
  for (const { text: part, token } of reader.markup.split(text)) {
    if (token !== undefined && accept(reader, token.id)) {
      offset += part.length;
      continue;
    }
    for (const character of part) {
      const isAllowed = encoder.encode(character).every((byte) => accept(reader, reader.vocabulary.byteToken(byte)));
      if (!isAllowed) return offset;
      offset += character.length;
    }
  }
  return undefined;
}

function accept({ native, state }: TextReader, token: number | undefined): boolean {
  if (token === undefined || !native.grammarAllows(state, token)) return false;
  native.grammarAccept(state, token);
  return true;
}
