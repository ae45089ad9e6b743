// Clients' own grammars: valid ones pass, errors have a position, and hostile ones never reach llama.cpp.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { validateGbnf } from "../../../../../../src/backends/llama/grammar/gbnf/gbnf-validate.ts";

function message(text: string): string {
  const result = validateGbnf(text);
  if (result.isValid) throw new Error("the grammar was accepted");
  return `${result.line}:${result.column} ${result.message}`;
}

describe("validateGbnf", () => {
  it.each([
    'root ::= "yes" | "no"',
    'root ::= "a"* [b-d]+ [^\\n] . x{2,3} y{2} z{2,}\nx ::= "x"\ny ::= "y"\nz ::= "z"',
    '# a comment\nroot  ::= (\n  item ","\n  | item # another\n)*\nitem ::= [0-9]{1,3}\r\n',
    'root ::= "\\x41\\u00e9\\U0001F600\\t\\r\\n\\\\\\"\\[\\]\\-" [\\]\\[a-]',
    'root ::= expr\nexpr ::= term ([-+*/] term)*\nterm ::= [0-9]+ | "(" expr ")"',
    'root ::= "a" root | ""',
    'root ::= "a" | # nothing\n',
    // Examples of llama.cpp's own grammars folder in shape: lists, JSON, arithmetic.
    'root ::= item+\nitem ::= "- " [^\\r\\n\\x0b\\x0c\\x85\\u2028\\u2029]+ "\\n"',
    'root ::= object\nvalue ::= object | array | string | number | ("true" | "false" | "null") ws\nobject ::= "{" ws ( string ":" ws value ("," ws string ":" ws value)* )? "}" ws\narray ::= "[" ws ( value ("," ws value)* )? "]" ws\nstring ::= "\\"" ( [^"\\\\\\x7F\\x00-\\x1F] | "\\\\" (["\\\\bfnrt] | "u" [0-9a-fA-F]{4}) )* "\\"" ws\nnumber ::= ("-"? ([0-9] | [1-9] [0-9]{0,15})) ("." [0-9]+)? ([eE] [-+]? [0-9] [1-9]{0,15})? ws\nws ::= | " " | "\\n" [ \\t]{0,20}',
  ])("accepts %j", (text) => {
    expect(validateGbnf(text)).toEqual({ isValid: true });
  });

  it.each([
    ["", '1:1 the rule "root" is missing'],
    ['start ::= "a"', '1:14 the rule "root" is missing'],
    ["root ::= other", '1:10 the rule "other" is not defined'],
    ['root ::= "a"\n  | "b"', "2:3 expected the name of a rule"],
    ['root := "a"', '1:6 expected "::="'],
    ['root ::= "a', "1:12 unexpected end of the grammar"],
    ["root ::= [a", "1:12 unexpected end of the grammar"],
    ['root ::= ("a"', '1:14 expected ")"'],
    ['root ::= "a")', "1:13 expected the end of the line"],
    ["root ::= [z-a]", "1:10 a range of characters runs backwards"],
    ["root ::= []", "1:10 a character class is empty"],
    ['root ::= "\\q"', '1:11 unknown escape "\\q"'],
    ['root ::= "\\u12"', "1:11 expected 4 hexadecimal digits"],
    ['root ::= "\\U00110000"', "1:11 a character lies beyond U+10FFFF"],
    ["root ::= *", '1:10 a quantifier "*" follows nothing'],
    ['root ::= "a"{x}', "1:14 expected a number"],
    ['root ::= "a"{3,2}', "1:17 the upper count is below the lower one"],
    ['root ::= "a"{2001}', "1:14 a count exceeds 2000"],
    ['root ::= "a"{1,99999999999999999999}', "1:16 a count exceeds 2000"],
    ['root ::= ("a"{0,100}){100}', "1:22 a repetition of a group or of a repetition is too large"],
    ['root ::= "a"{1000}{1000}', "1:19 a repetition of a group or of a repetition is too large"],
    ["root ::= <|im_end|>", "1:10 token references are not accepted"],
    ["root ::= !<[5]>", "1:10 token references are not accepted"],
    ['root ::= "a"\nroot ::= "b"', '2:1 the rule "root" is defined twice'],
    ['root ::= "a\0"', "1:12 a NUL character ends the grammar early"],
    ['root ::= "\ud800"', "1:11 half a surrogate pair is not a character"],
    ["root ::= root", '1:1 the rule "root" never comes to an end'],
    ['root ::= "a" root', '1:1 the rule "root" never comes to an end'],
    ["root ::= [^\\x00-\\U0010FFFF]", '1:1 the rule "root" never comes to an end'],
    ['root ::= root "a" | "b"', '1:1 the rule "root" reaches itself without consuming text (left recursion)'],
    [
      'root ::= x root | "b"\nx ::= y\ny ::= "" | "z"',
      '1:1 the rule "root" reaches itself without consuming text (left recursion)',
    ],
    [
      'root ::= "q"? (x)* root "e" | "b"\nx ::= "z"',
      '1:1 the rule "root" reaches itself without consuming text (left recursion)',
    ],
    [
      'root ::= "a" root "x" | "a" root "y" | ""',
      "1:1 the grammar is so ambiguous that its derivations multiply with the length of the text",
    ],
  ])("refuses %j with its position", (text, expected) => {
    expect(message(text)).toBe(expected);
  });

  it("bounds bytes, rules, nesting, unrolled size and the ways to begin", () => {
    expect(message(`root ::= "${"a".repeat(300_000)}"`)).toContain("exceeds 262144 bytes");
    expect(
      message(`root ::= "a"\n${Array.from({ length: 10_001 }, (_, index) => `r${index} ::= "a"`).join("\n")}`),
    ).toContain("more than 10000 rules");
    expect(message(`root ::= ${"(".repeat(100_000)}"a"${")".repeat(100_000)}`)).toContain("nested too deeply");
    expect(
      message(
        Array.from({ length: 200 }, (_, index) => `${index === 0 ? "root" : `r${index}`} ::= "abc"{2000}`).join("\n"),
      ),
    ).toContain("unrolls");
    const chain = Array.from({ length: 5_000 }, (_, index) => `r${index} ::= r${index + 1}`);
    expect(message(`root ::= r0\n${chain.join("\n")}\nr5000 ::= "a"`)).toContain(
      "nested too deeply at their beginning",
    );
    // 2^30 ways to the first character: llama.cpp's own left-recursion check would walk them all.
    const doubling = Array.from({ length: 30 }, (_, index) => `r${index} ::= r${index + 1} "x" | r${index + 1} "y"`);
    expect(message(`root ::= r0\n${doubling.join("\n")}\nr30 ::= "a"`)).toContain("can begin in more than 2048 ways");
    const nullable = 'root ::= x{0,2000} "e"\nx ::= "a" | ""';
    expect(message(nullable)).toContain("can begin in more than 2048 ways");
  });

  it("never throws, whatever the text", () => {
    const piece = fc.constantFrom(
      "root",
      "::=",
      '"a"',
      "[a-z]",
      "(",
      ")",
      "|",
      "*",
      "{2,3}",
      "\n",
      " ",
      "x",
      "\\",
      "]",
      "<",
      "#",
      "é",
      "\u0000",
    );
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string({ unit: "binary" }),
          fc.array(piece).map((pieces) => pieces.join("")),
        ),
        (text) => {
          const result = validateGbnf(text);
          if (!result.isValid) {
            expect(result.offset).toBeLessThanOrEqual(text.length);
            expect(result.column).toBeGreaterThan(0);
          }
        },
      ),
      { numRuns: 2_000 },
    );
  });
});
