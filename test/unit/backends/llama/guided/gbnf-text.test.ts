import { describe, expect, it } from "vitest";
import { gbnfLiteral, prefixRules } from "../../../../../src/backends/llama/guided/gbnf-text.ts";

describe("prefixRules", () => {
  it("renames rules wherever they stand and nothing else", () => {
    const grammar = 'root ::= "root" word{2,3} [a-z\\]word] # word\nword ::= [^"] root? | "\\"word" | <think> !<word>';
    expect(prefixRules(grammar, "x-")).toBe(
      'x-root ::= "root" x-word{2,3} [a-z\\]word] # word\nx-word ::= [^"] x-root? | "\\"word" | <think> !<word>',
    );
  });
});

describe("gbnfLiteral", () => {
  it("escapes what is special, and everything beyond printable ASCII", () => {
    expect(gbnfLiteral('a"\\b\né😀')).toBe('"a\\"\\\\b\\u000a\\u00e9\\U0001f600"');
  });
});
