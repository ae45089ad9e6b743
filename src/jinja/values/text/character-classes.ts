// Which characters are blank, digits or numbers to Python.

/** What `split` and `strip` take as blank, as the inside of a class of a regular expression. JavaScript's own class differs. */
export const blanks = "\\t-\\r\\x1c- \\x85\\xa0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000";

export const isBlank = new RegExp(`^[${blanks}]$`, "u");
export const blankRun = new RegExp(`[${blanks}]+`, "gu");
export const leadingBlanks = new RegExp(`^[${blanks}]+`, "u");

/** `str.strip()` without arguments, for strings whose origin does not matter. */
export function trimmed(text: string): string {
  let [start, end] = [0, text.length];
  while (start < end && isBlank.test(text[start] as string)) start += 1;
  while (end > start && isBlank.test(text[end - 1] as string)) end -= 1;
  return text.slice(start, end);
}

/** The ends of lines that `splitlines` knows. */
// oxlint-disable-next-line no-control-regex -- Python ends lines at these
export const lineEnd = /\r\n|[\n\r\v\f\x1c-\x1e\x85\u2028\u2029]/gu;

export const isDecimal = /\p{Nd}/u;

/** Digits beside the decimal ones: superscripts, circled digits and the like. */
export const isDigit =
  /[\p{Nd}\u00b2\u00b3\u00b9\u1369-\u1371\u19da\u2070\u2074-\u2079\u2080-\u2089\u2460-\u2468\u2474-\u247c\u2488-\u2490\u24ea\u24f5-\u24fd\u24ff\u2776-\u277e\u2780-\u2788\u278a-\u2792\u{10a40}-\u{10a43}\u{10e60}-\u{10e68}\u{11052}-\u{1105a}\u{1f100}-\u{1f10a}]/u;

/** Numbers, and the Chinese characters that stand for numbers. */
export const isNumeric =
  /[\p{N}\u3405\u3483\u382a\u3b4d\u4e00\u4e03\u4e07\u4e09\u4e5d\u4e8c\u4e94\u4e96\u4ebf\u4ec0\u4edf\u4ee8\u4f0d\u4f70\u5104\u5146\u5169\u516b\u516d\u5341\u5343-\u5345\u534c\u53c1-\u53c4\u56db\u58f1\u58f9\u5e7a\u5efe\u5eff\u5f0c-\u5f0e\u5f10\u62fe\u634c\u67d2\u6f06\u7396\u767e\u8086\u842c\u8cae\u8cb3\u8d30\u9621\u9646\u964c\u9678\u96f6\uf96b\uf973\uf978\uf9b2\uf9d1\uf9d3\uf9fd\u{20001}\u{20064}\u{200e2}\u{20121}\u{2092a}\u{20983}\u{2098c}\u{2099c}\u{20aea}\u{20afd}\u{20b19}\u{22390}\u{22998}\u{23b1b}\u{2626d}\u{2f890}]/u;

/** Letters as `isalpha` counts them. */
export const isLetter = /\p{L}/u;

/** What `repr` prints with an escape; the backslash apart. */
export const isUnprintable = /[^\P{C}]|[^\P{Z} ]/u;

/** True where the string is not empty and every character passes. */
export function every(text: string, test: (character: string) => boolean): boolean {
  if (text === "") return false;
  for (const character of text) if (!test(character)) return false;
  return true;
}
