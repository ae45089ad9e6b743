// Joins two GBNF grammars into one that takes what either takes.

/**
 * A grammar for `first`, or `textOpen` followed by `second`. The rules of both keep apart by a prefix; GBNF names hold letters,
 * digits and hyphens.
 */
export function eitherGrammar(first: string, second: string, textOpen = ""): string {
  const opened = textOpen === "" ? "b-root" : `${JSON.stringify(textOpen)} b-root`;
  return [`root ::= a-root | ${opened}`, renameRules(first, "a-"), renameRules(second, "b-")].join("\n");
}

/** Prefixes every rule name; literals, classes, comments, token references and repetition counts stay. */
function renameRules(grammar: string, prefix: string): string {
  const pattern = /"(?:[^"\\]|\\[^])*"|\[(?:[^\]\\]|\\[^])*\]|#[^\n]*|<[^>\n]*>|\{[^}]*\}|[A-Za-z][A-Za-z0-9-]*/g;
  return grammar.replaceAll(pattern, (part) => (/^[A-Za-z]/.test(part) ? prefix + part : part));
}
