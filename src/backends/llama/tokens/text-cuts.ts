// Finds places where a long text may be cut so that its pieces give the same tokens as the whole. Two things have to hold there:
// no token of the vocabulary spans it (no entry has the two characters next to each other), so that no merge can; and every
// pre-tokenizer of llama.cpp ends a word there anyway, so that the words on both sides stay what they were.
import type { SpecialToken, Vocabulary } from "./vocabulary.ts";

export interface TextCuts {
  /** The last offset in (from, to] before which the text may be cut. */
  last(text: string, range: { readonly from: number; readonly to: number }): number | undefined;
  /** The first such offset. */
  first(text: string, range: { readonly from: number; readonly to: number }): number | undefined;
  /** Bytes of text that one token can stand for; `undefined` where a token may stand for text of any length. */
  readonly longestTokenBytes: number | undefined;
}

/** Characters that a piece may begin with. */
const beginnings = [" ", "\n", "、", "。", "，"];

const scannedPerTurn = 1024;
const replacement = "\ufffd";
const decoder = new TextDecoder();

/** Reads the whole vocabulary, which takes a while: `turn` is awaited now and then, so that other work can run. */
export async function findTextCuts(vocabulary: Vocabulary, turn: () => Promise<void>): Promise<TextCuts> {
  const joined = new Map(
    (vocabulary.beginsWithWord ? [" "] : beginnings).map((character) => [character, new Set<string>()]),
  );
  let longest = 1;
  for (let token = 0; token < vocabulary.size; token += 1) {
    if (token % scannedPerTurn === 0) await turn();
    const bytes = vocabulary.bytes(token);
    longest = Math.max(longest, bytes.length);
    const text = decoder.decode(bytes);
    for (let at = 1; at < text.length; at += 1) joined.get(text.charAt(at))?.add(text.charAt(at - 1));
  }
  await turn();
  const special = vocabulary.specialTokens();
  const endsSpecial = specialEndings(special);
  const strips = special.some(({ stripsLeft, stripsRight }) => stripsLeft || stripsRight);
  const isCut = (text: string, at: number): boolean => {
    const known = joined.get(text.charAt(at));
    if (known === undefined || !isWordEnd(text, at)) return false;
    const before = text.charAt(at - 1);
    // A token may also hold the last bytes of the character before, which reads as the replacement character.
    if (known.has(before) || (before > "\u007f" && known.has(replacement))) return false;
    return !endsSpecial(text, at);
  };
  return {
    last(text, { from, to }) {
      for (let at = Math.min(to, text.length - 1); at > from; at -= 1) if (isCut(text, at)) return at;
      return undefined;
    },
    first(text, { from, to }) {
      for (let at = from + 1; at <= to && at < text.length; at += 1) if (isCut(text, at)) return at;
      return undefined;
    },
    longestTokenBytes: vocabulary.keepsAllText && !strips ? longest : undefined,
  };
}

/** A lower bound of the tokens of `texts`. */
export function fewestTokens(texts: readonly string[], longestTokenBytes: number): number {
  const bytes = texts.reduce((sum, text) => sum + Buffer.byteLength(text), 0);
  return Math.ceil(bytes / longestTokenBytes);
}

const wordCharacter = /^[\p{L}\p{N}]$/u;

/**
 * True at a space between something visible and a word, a line break behind a word, or a Chinese comma or full stop behind a
 * letter: there all pre-tokenizers end a word, whatever comes before and after (llama.cpp's src/llama-vocab.cpp, `regex_exprs`).
 */
function isWordEnd(text: string, at: number): boolean {
  const before = text.charAt(at - 1);
  if (text.charAt(at) !== " ") return wordCharacter.test(before);
  return before.trim() !== "" && wordCharacter.test(text.charAt(at + 1));
}

/** Tells whether a special token ends at an offset: behind one the tokenizer begins anew, so the text must not be cut there. */
function specialEndings(special: readonly SpecialToken[]): (text: string, at: number) => boolean {
  const byLast = new Map<string, string[]>();
  for (const { text } of special) {
    const last = text.charAt(text.length - 1);
    byLast.set(last, [...(byLast.get(last) ?? []), text]);
  }
  return (text, at) => byLast.get(text.charAt(at - 1))?.some((ending) => text.endsWith(ending, at)) ?? false;
}
