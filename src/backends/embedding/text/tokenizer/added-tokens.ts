// The added tokens of a tokenizer.json are looked for in a text before its model sees it: those that stand for themselves in the text as it
// is written, the others in what the normaliser makes of it. The longest one that begins first is taken, as in Hugging Face's original.
//
// Special tokens that a caller's text spells stay text, as in chat: an HTML document with `<s>` for struck-out words must not begin a
// sentence of XLM-RoBERTa, and a document that spells `[SEP]` must not end itself for a cross-encoder. sentence-transformers would take
// them for tokens. Those of a prompt that the model's own files write are tokens.
import type { Normalizer } from "./normalizers.ts";
import { spaces } from "./unicode-8.ts";

export interface AddedToken {
  readonly id: number;
  readonly content: string;
  readonly isSpecial: boolean;
  /** Looked for in the normalised text. */
  readonly isNormalized: boolean;
  /** Only where no letter or digit touches it. */
  readonly isWord: boolean;
  /** Takes the spaces before it, or after it. */
  readonly stripsLeft: boolean;
  readonly stripsRight: boolean;
}

/** A part of a text: a token's id, or text for the model. */
export type Segment = number | { readonly text: string; readonly isFirst: boolean };

export interface AddedTokenSplitter {
  /** `trusted`: special tokens that end within so many characters are tokens. */
  split(text: string, trusted: number): Segment[];
}

export function createAddedTokenSplitter(tokens: readonly AddedToken[], normalize: Normalizer): AddedTokenSplitter {
  const written = createMatcher(tokens.filter((token) => !token.isNormalized).map((token) => [token.content, token]));
  const normalized = createMatcher(
    tokens.filter((token) => token.isNormalized).map((token) => [normalize(token.content), token]),
  );
  return {
    split(text, trusted) {
      const segments: Segment[] = [];
      for (const segment of written(text, trusted)) {
        if (segment.token !== undefined) {
          segments.push(segment.token.id);
          continue;
        }
        const value = normalize(segment.text);
        const isTrusted = segment.start + segment.text.length <= trusted;
        for (const part of normalized(value, isTrusted ? value.length : 0)) {
          if (part.token === undefined) {
            segments.push({ text: part.text, isFirst: segment.start === 0 && part.start === 0 });
          } else {
            segments.push(part.token.id);
          }
        }
      }
      return segments;
    },
  };
}

interface Match {
  readonly text: string;
  readonly start: number;
  readonly token: AddedToken | undefined;
}

type Matcher = (text: string, trusted: number) => Match[];

/** A node of a trie over UTF-16 units. */
interface Node {
  readonly next: Map<number, Node>;
  token?: AddedToken;
}

const wordBefore = /[\p{Alphabetic}\p{M}\p{Nd}\p{Pc}\p{Join_Control}]$/u;
const wordAfter = /^[\p{Alphabetic}\p{M}\p{Nd}\p{Pc}\p{Join_Control}]/u;
const spacesAtEnd = new RegExp(`${spaces}*$`, "u");
const spacesAtStart = new RegExp(`^${spaces}*`, "u");

function createMatcher(entries: readonly (readonly [string, AddedToken])[]): Matcher {
  const root: Node = { next: new Map() };
  for (const [content, token] of entries) {
    if (content === "") continue;
    let node = root;
    for (let i = 0; i < content.length; i++) {
      const unit = content.charCodeAt(i);
      const next: Node = node.next.get(unit) ?? { next: new Map() };
      node.next.set(unit, next);
      node = next;
    }
    node.token = token;
  }
  return (text, trusted) => {
    const matches: Match[] = [];
    let done = 0;
    const push = (start: number, end: number, token?: AddedToken): void => {
      if (start < end) matches.push({ text: text.slice(start, end), start, token });
    };
    for (let at = 0; at < text.length; at++) {
      const found = longestAt(text, { root, start: at });
      if (found === undefined) continue;
      const { token, end } = found;
      const [start, next] = [at, end];
      // What is passed over is passed over whole: another token inside of it is not looked for.
      at = next - 1;
      if (token.isSpecial && next > trusted) continue;
      if (token.isWord && (wordBefore.test(text.slice(0, start)) || wordAfter.test(text.slice(next)))) continue;
      const first = token.stripsLeft ? Math.max(done, spacesAtEnd.exec(text.slice(0, start))?.index ?? start) : start;
      const last = token.stripsRight ? next + (spacesAtStart.exec(text.slice(next))?.[0].length ?? 0) : next;
      push(done, first);
      push(first, last, token);
      done = last;
      at = Math.max(at, last - 1);
    }
    push(done, text.length);
    return matches;
  };
}

function longestAt(
  text: string,
  { root, start }: { readonly root: Node; readonly start: number },
): { readonly token: AddedToken; readonly end: number } | undefined {
  let node: Node | undefined = root.next.get(text.charCodeAt(start));
  let longest: { readonly token: AddedToken; readonly end: number } | undefined;
  for (let end = start + 1; node !== undefined; end++) {
    if (node.token !== undefined) longest = { token: node.token, end };
    node = end < text.length ? node.next.get(text.charCodeAt(end)) : undefined;
  }
  return longest;
}
