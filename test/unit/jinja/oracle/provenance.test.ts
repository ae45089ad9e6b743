// No character of a caller's string is ever taken for the template's, whatever the template does with it.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { TemplateRuntimeError, TemplateSyntaxError } from "../../../../src/jinja/errors.ts";
import { parseTemplate, type OutputRun } from "../../../../src/jinja/template.ts";
import { template, variables } from "./random-template.ts";

/** Letters that no template has, in capitals and small: what upper, lower, title and casefold make of them is among them too. */
const callerLetters = "\u{10400}\u{10428}\u0531\u0561\u2c00\u2c30\ue000\uf8ff";
const isCallers = /[\u{10400}-\u{1044f}\u0531-\u0587\u2c00-\u2c5f\ue000-\uf8ff]/u;

/** Every string of the value, keys included, in the caller's letters; other values stay. */
function inCallerLetters(value: unknown): unknown {
  if (typeof value === "string") {
    return Array.from(value, (character) => spell(character.codePointAt(0) as number)).join("");
  }
  if (Array.isArray(value)) return value.map(inCallerLetters);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, entry]) => [keptKeys.has(key) ? key : spellAll(key), inCallerLetters(entry)]),
  );
}

/** Keys that templates ask for by name stay as they are, so that the templates find something. */
const keptKeys = new Set(["role", "content", "k", "a", "b", "items"]);
const letters = [...callerLetters];

function spell(code: number): string {
  // Blanks, commas and digits stay, so that splitting and counting still do something.
  const character = String.fromCodePoint(code);
  return /[\s,0-9%{}]/.test(character) ? character : (letters[code % letters.length] as string);
}

function spellAll(text: string): string {
  return Array.from(text, (character) => spell(character.codePointAt(0) as number)).join("");
}

function runsOf(
  source: string,
  untrusted: Readonly<Record<string, unknown>>,
): { text: string; runs: readonly OutputRun[] } {
  try {
    return parseTemplate(source).render({ untrusted }, { now: new Date(2026, 10, 26) });
  } catch (error) {
    if (error instanceof TemplateRuntimeError || error instanceof TemplateSyntaxError) return { text: "", runs: [] };
    throw error;
  }
}

describe("provenance", () => {
  it("gives no character of a caller's string to the template, whatever is done with it", () => {
    fc.assert(
      fc.property(template, variables, (source, values) => {
        const { text, runs } = runsOf(source, inCallerLetters(values) as Record<string, unknown>);
        expect(runs.map((run) => run.text).join("")).toBe(text);
        for (const [index, run] of runs.entries()) {
          expect(run.text).not.toBe("");
          expect(run.origin).not.toBe(runs[index - 1]?.origin);
          // A letter that is printed as an escape is no longer itself, but comes from a string of the caller's all the same.
          if (run.origin === "template") expect(run.text).not.toMatch(isCallers);
        }
      }),
      { numRuns: 3_000 },
    );
  });

  const caller = { x: "<|end|>", l: ["<|", "end|>"], d: { "<|k|>": "<|v|>" }, n: 124, e: "a<b" };
  const origins = (source: string): string =>
    parseTemplate(source)
      .render({ trusted: { bos: "<s>" }, untrusted: caller })
      .runs.map(({ text, origin }) => `${origin === "caller" ? "C" : "T"}:${text}`)
      .join(" ");

  it.each([
    ["{{ bos }}<|im_start|>{{ x }}<|im_end|>", "T:<s><|im_start|> C:<|end|> T:<|im_end|>"],
    ["{{ '[' + x + ']' }}", "T:[ C:<|end|> T:]"],
    ["{{ ('[' ~ x ~ ']')[1:5] }}", "C:<|en"],
    ["{{ ('[' ~ x ~ ']')|upper }}", "T:[ C:<|END|> T:]"],
    ["{{ '%s|%d' % (x, 5) }}", "C:<|end|> T:|5"],
    ["{{ '{:>9}!'.format(x) }}", "T:   C:<|end|> T:!"],
    ["{{ ('a' ~ x ~ 'b').replace('a', '<').replace('<|', '[') }}", "T:<[ C:end|> T:b"],
    ["{{ l|join('-') }}", "C:<| T:- C:end|>"],
    ["{{ ('a ' ~ x ~ ' b').split()|join('+') }}", "T:a+ C:<|end|> T:+b"],
    ["{{ d }}", "C:{'<|k|>': '<|v|>'}"],
    ["{{ d|tojson }}", 'C:{"<|k|>": "<|v|>"}'],
    ["{{ [1, bos]|tojson }}", 'T:[1, "<s>"]'],
    ["{% for k in d %}{{ k }}{% endfor %}{% for k, v in d.items() %}{{ v }}{% endfor %}", "C:<|k|><|v|>"],
    [
      "{% macro f(a) %}({{ a }}{{ kwargs }}){% endmacro %}{{ f(x) }}{{ f(1, **d) }}",
      "T:( C:<|end|> T:{})(1 C:{'<|k|>': '<|v|>'} T:)",
    ],
    ["{% set y %}<{{ x }}>{% endset %}{{ y|trim('<') }}", "C:|end|> T:>"],
    ["{{ '%c' % n }}{{ '{:c}'.format(n) }}{{ 'a'.translate({97: n}) }}", "C:|||"],
    ["{{ x|length }}{{ n }}{{ x == '<|end|>' }}", "T:7124True"],
    ["{{ '<b>' if x == '<|end|>' }}", "T:<b>"],
    ["{{ x|e }}{{ ('<'|e) ~ x }}", "C:&lt;|end|&gt; T:&lt; C:<|end|>"],
    ["{{ x|indent(2, true) }}{{ ('a\n' ~ x)|indent(1) }}", "T:   C:<|end|> T:a\n  C:<|end|>"],
    ["{{ strftime_now(x) }}{{ x.encode().decode() }}", "C:<|end|><|end|>"],
    ["{{ dict(**d) }}{{ namespace(**d) }}", "C:{'<|k|>': '<|v|>'}<Namespace {'<|k|>': '<|v|>'}>"],
    ["{{ x|first }}{{ x|list|last }}{{ x|reverse }}{{ x[::-2] }}", "C:<>>|dne|<>de<"],
    ["{{ ('ß' ~ x ~ 'ß')|upper }}{{ ('ß' ~ x)|title }}", "T:SS C:<|END|> T:SSSS C:<|end|>"],
  ])("tells who wrote what in %s", (source, expected) => {
    expect(origins(source)).toBe(expected);
  });

  it("lets a trusted variable win over an untrusted one of the same name", () => {
    const { runs } = parseTemplate("{{ x }}").render({ trusted: { x: "<s>" }, untrusted: { x: "evil" } });
    expect(runs).toEqual([{ text: "<s>", origin: "template" }]);
  });
});
