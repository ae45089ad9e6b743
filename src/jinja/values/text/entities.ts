// Text out of HTML: without tags, with entities as the characters that they stand for. All of the result is the caller's where any of
// the source is.
import { blankRun } from "./character-classes.ts";
import { derived, plain, type PyString } from "./text.ts";

/** The text without tags and comments, with single blanks between its words. */
export function stripTags(text: PyString): PyString {
  return derived(unescapeAll(withoutTags(plain(text))), text);
}

export function unescapeEntities(text: PyString): PyString {
  return derived(unescapeAll(plain(text)), text);
}

function withoutTags(text: string): string {
  const bare = cut(cut(text, "<!--", "-->"), "<", ">");
  return bare.replace(blankRun, " ").replace(/^ | $/g, "");
}

/** Takes out everything from an `open` to the next `close`. */
function cut(text: string, open: string, close: string): string {
  const kept: string[] = [];
  let from = 0;
  for (;;) {
    const start = text.indexOf(open, from);
    const end = start === -1 ? -1 : text.indexOf(close, start);
    if (end === -1) return kept.join("") + text.slice(from);
    kept.push(text.slice(from, start));
    from = end + close.length;
  }
}

/** The entities that occur in practice; HTML has two thousand more, which stay as they are. */
const entities: Readonly<Record<string, string>> = {
  amp: "&",
  lt: "<",
  gt: ">",
  quot: '"',
  apos: "'",
  nbsp: "\u00a0",
  copy: "\u00a9",
  reg: "\u00ae",
  hellip: "\u2026",
  mdash: "\u2014",
  ndash: "\u2013",
  lsquo: "\u2018",
  rsquo: "\u2019",
  ldquo: "\u201c",
  rdquo: "\u201d",
  bull: "\u2022",
  middot: "\u00b7",
  times: "\u00d7",
  euro: "\u20ac",
};

function unescapeAll(text: string): string {
  return text.replace(
    /&(?:#(\d+);?|#[xX]([\da-fA-F]+);?|(amp|lt|gt|quot|nbsp|copy|reg|times|middot)(?:;|)|(\w+);)/g,
    (whole, decimal?: string, hex?: string, bare?: string, name?: string) => {
      if (bare !== undefined || name !== undefined) return entities[bare ?? name ?? ""] ?? whole;
      const code = Number.parseInt(decimal ?? hex ?? "", decimal === undefined ? 16 : 10);
      return code === 0 || code > 0x10ffff || (code >= 0xd800 && code < 0xe000) ? "\ufffd" : String.fromCodePoint(code);
    },
  );
}
