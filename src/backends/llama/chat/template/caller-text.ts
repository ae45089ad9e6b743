// Keeps callers' text from becoming control tokens.
//
// Before rendering, wherever a caller's string spells a control token, or ends like the beginning of one, or begins like the
// end of one, a private placeholder is put inside. The template carries it along like any other text (it survives trimming,
// case changes and JSON), so no control token's text that is found in the rendered prompt has characters of a caller at either
// end. After rendering the placeholders are taken out again, and what they stood in is tokenised as plain text.
//
// A template can also join a caller's text that was apart (`content.replace("/think", "")`), or write markup around it
// (`'<' + name + '>'`): for that there is the strict guard, with a placeholder in every string and at every character that could
// begin or end a control token. It can disturb a template that compares strings, so it is rendered for comparison only, and
// used when the two renderings differ in their control tokens.

/** Replaces callers' strings on their way into the template. */
export interface CallerGuard {
  text(value: string): string;
  /** Guards every string in a JSON value, keys included. */
  deep(value: unknown): unknown;
  /** A placeholder that marks one place, for the caller of the guard to find in the rendered text. */
  readonly endMark: string;
  /** Takes the placeholders out of rendered text and tells where they stood. */
  restore(rendered: string): { readonly text: string; readonly cuts: readonly number[] };
  readonly hasPlaceholder: (rendered: string) => boolean;
}

export interface GuardOptions {
  readonly controlTexts: readonly string[];
  /** Texts in which the placeholder must not occur: the template and everything that callers sent. */
  readonly corpus: string;
  readonly strict: boolean;
}

// Private-use characters: no case, no white space, never escaped by JSON, and the first never occurs inside the rest, so that
// a placeholder cannot be mistaken at another offset.
const OPEN = "\ue3a0";
const CLOSE = "\ue3a1";

/** A guard for one render. */
export function createCallerGuard(options: GuardOptions): CallerGuard {
  const id = unusedId(options.corpus);
  const mark = `${OPEN}${id}${CLOSE}`;
  const matcher = createMatcher(options.controlTexts, options.strict);
  // `tojson(ensure_ascii=True)` writes the private characters as escapes. A number after a colon is a hidden character.
  const pattern = new RegExp(`(?:${OPEN}|\\\\ue3a0)${id}(?::(\\d+))?(?:${CLOSE}|\\\\ue3a1)`, "g");

  const text = (value: string): string => {
    // Templates ask whether a text is empty.
    if (matcher === null || value === "") return value;
    return matcher.guard(value, { mark, hide: (codePoint) => `${OPEN}${id}:${codePoint}${CLOSE}` });
  };
  const deep = (value: unknown): unknown => {
    if (typeof value === "string") return text(value);
    if (Array.isArray(value)) return value.map(deep);
    if (typeof value !== "object" || value === null) return value;
    return Object.fromEntries(Object.entries(value).map(([key, entry]) => [text(key), deep(entry)]));
  };

  return {
    text,
    deep,
    endMark: `${OPEN}${id}!${CLOSE}`,
    restore(rendered) {
      let restored = "";
      let last = 0;
      const cuts: number[] = [];
      for (const match of rendered.matchAll(pattern)) {
        restored += rendered.slice(last, match.index);
        cuts.push(restored.length);
        if (match[1] !== undefined) restored += String.fromCodePoint(Number(match[1]));
        last = match.index + match[0].length;
      }
      return { text: restored + rendered.slice(last), cuts };
    },
    hasPlaceholder: (rendered) => rendered.search(pattern) !== -1,
  };
}

/** Control texts as the guard looks for them: without white space around them, and none that is white space only. */
export function guardedTexts(controlTexts: readonly string[]): readonly string[] {
  return [...new Set(controlTexts.map((text) => text.trim()).filter((text) => text !== ""))];
}

interface Matcher {
  guard(value: string, placeholders: { mark: string; hide: (codePoint: number) => string }): string;
}

const matchers = new WeakMap<readonly string[], { ordinary: Matcher | null; strict: Matcher | null }>();

/** Building the matcher costs more than using it; a model's list of control texts is one array for its lifetime. */
function createMatcher(controlTexts: readonly string[], strict: boolean): Matcher | null {
  let pair = matchers.get(controlTexts);
  if (pair === undefined) {
    pair = { ordinary: buildMatcher(controlTexts, false), strict: buildMatcher(controlTexts, true) };
    matchers.set(controlTexts, pair);
  }
  return strict ? pair.strict : pair.ordinary;
}

function buildMatcher(controlTexts: readonly string[], strict: boolean): Matcher | null {
  const texts = guardedTexts(controlTexts);
  const long = texts.filter((text) => Array.from(text).length > 1);
  const single = new Set(texts.filter((text) => Array.from(text).length === 1));
  if (texts.length === 0) return null;
  const firsts = [...new Set(long.map((text) => Array.from(text)[0] ?? ""))];
  const lasts = [...new Set(long.map((text) => Array.from(text).at(-1) ?? ""))];
  const edges = new RegExp([...firsts, ...lasts, ...single].map(escapeRegExp).join("|"), "i");
  const everyEdge = new RegExp(edges.source, "gi");
  const everySingle = new RegExp([...single].map(escapeRegExp).join("|"), "g");
  const firstSet = new Set(firsts.flatMap(bothCases));
  const lastSet = new Set(lasts.flatMap(bothCases));
  // A lookahead finds overlapping occurrences too.
  const whole = long.length === 0 ? null : new RegExp(`(?=${alternatives(long)})`, "gi");
  const prefixes = new Set(long.flatMap((text) => properPrefixes(text.toLowerCase())));
  const suffixes = new Set(long.flatMap((text) => properSuffixes(text.toLowerCase())));
  const longest = Math.max(0, ...long.map((text) => text.length));

  return {
    guard(value, { mark, hide }) {
      if (!strict && !edges.test(value)) return value;
      // Offsets before which a placeholder goes.
      const offsets = new Set<number>();
      if (strict) {
        const start = value.length - value.trimStart().length;
        offsets.add(start + (Array.from(value.slice(start, start + 2))[0]?.length ?? 0));
        for (const { 0: character, index } of value.matchAll(everyEdge)) {
          if (lastSet.has(character)) offsets.add(index);
          if (firstSet.has(character)) offsets.add(index + character.length);
        }
      } else {
        for (const { index } of whole === null ? [] : value.matchAll(whole)) {
          offsets.add(index + String.fromCodePoint(value.codePointAt(index) ?? 0).length);
        }
        const lower = value.toLowerCase();
        for (let length = 1; length < longest; length += 1) {
          if (prefixes.has(lower.slice(-length))) offsets.add(value.length);
          if (suffixes.has(lower.slice(0, length))) offsets.add(0);
        }
      }
      const hidden = single.size === 0 ? [] : [...value.matchAll(everySingle)];
      return insertAt(value, { offsets, mark, hidden, hide });
    },
  };
}

/** Puts the mark before each of the offsets, and replaces what has to be hidden. */
function insertAt(
  value: string,
  {
    offsets,
    mark,
    hidden,
    hide,
  }: {
    readonly offsets: ReadonlySet<number>;
    readonly mark: string;
    readonly hidden: readonly RegExpExecArray[];
    readonly hide: (codePoint: number) => string;
  },
): string {
  if (offsets.size === 0 && hidden.length === 0) return value;
  const edits = [
    ...Array.from(offsets, (offset) => ({ offset, length: 0, text: mark })),
    ...hidden.map((match) => ({
      offset: match.index,
      length: match[0].length,
      text: hide(match[0].codePointAt(0) ?? 0),
    })),
  ].sort((left, right) => left.offset - right.offset || left.length - right.length);
  let edited = "";
  let last = 0;
  for (const { offset, length, text } of edits) {
    edited += value.slice(last, offset) + text;
    last = offset + length;
  }
  return edited + value.slice(last);
}

function unusedId(corpus: string): number {
  let id = 0;
  while (corpus.includes(`${OPEN}${id}`) || corpus.includes(`ue3a0${id}`)) id += 1;
  return id;
}

function properPrefixes(text: string): string[] {
  return Array.from({ length: text.length - 1 }, (_, index) => text.slice(0, index + 1));
}

function properSuffixes(text: string): string[] {
  return Array.from({ length: text.length - 1 }, (_, index) => text.slice(index + 1));
}

function bothCases(character: string): string[] {
  return [character, character.toLowerCase(), character.toUpperCase()];
}

/** Longest first, so that a text that another one begins with does not hide it. */
export function alternatives(texts: readonly string[]): string {
  return [...texts]
    .sort((left, right) => right.length - left.length)
    .map(escapeRegExp)
    .join("|");
}

function escapeRegExp(text: string): string {
  return text.replaceAll(/[\\^$.*+?()[\]{}|/-]/g, "\\$&");
}
