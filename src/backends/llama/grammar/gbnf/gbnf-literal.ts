// Writes the smallest parts of a grammar.

/** `text` as a GBNF literal. It must be well-formed Unicode and not empty. */
export function gbnfLiteral(text: string): string {
  let body = "";
  for (const char of text) {
    const codePoint = char.codePointAt(0) ?? 0;
    if (char === '"' || char === "\\") body += `\\${char}`;
    else if (char === "\n") body += "\\n";
    else if (codePoint < 0x20 || codePoint === 0x7f) body += `\\x${codePoint.toString(16).padStart(2, "0")}`;
    else body += char;
  }
  return `"${body}"`;
}

/** Alternatives as one expression, in brackets where there is more than one. */
export function anyOfExpressions(expressions: readonly string[]): string {
  const distinct = [...new Set(expressions)];
  return distinct.length === 1 ? (distinct[0] ?? "") : `( ${distinct.join(" | ")} )`;
}
