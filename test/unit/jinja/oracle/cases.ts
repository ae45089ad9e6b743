// Tables of templates with what Python prints for them.
import { describe, expect, it } from "vitest";
import { TemplateRuntimeError, TemplateSyntaxError } from "../../../../src/jinja/errors.ts";
import { parseTemplate } from "../../../../src/jinja/template.ts";
import { Float } from "../../../../src/jinja/values/value.ts";

/** The variables of all tables. */
const variables: Readonly<Record<string, unknown>> = {
  d: { b: 1, a: "x", n: null, t: true, f: 1.5, l: [1, "two"] },
  l: [3, 1, 2, 2],
  s: "Hello World",
  e: "",
  u: "naïve 🍰 <b>&'\"",
  m: [
    { role: "user", content: "U", k: 1 },
    { role: "assistant", content: "A", k: 2 },
    { role: "user", content: "V" },
  ],
  n: 7,
  neg: -7,
  f: new Float(2),
  nul: null,
  yes: true,
  nested: { x: { y: [{ z: 1 }] } },
};

/** What `strftime_now` sees. */
export const now = new Date(2026, 10, 26, 14, 5, 9);

export interface Cases {
  /** Templates and what they print. */
  readonly prints: readonly (readonly [template: string, output: string])[];
  /** Templates that Python refuses. */
  readonly refuses?: readonly string[];
}

/** The same whether the strings are the caller's or the template's. */
export function describePrints(name: string, { prints, refuses = [] }: Cases): void {
  describe(`jinja: ${name}`, () => {
    for (const [template, output] of prints) {
      it(`prints ${JSON.stringify(template)}`, () => {
        const parsed = parseTemplate(template);
        expect(parsed.render({ untrusted: variables }, { now }).text).toBe(output);
        expect(parsed.render({ trusted: variables }, { now }).text).toBe(output);
      });
    }
    for (const template of refuses) {
      it(`refuses ${JSON.stringify(template)}`, () => {
        expect(refusal(template)).toMatch(/^(?:raised|error|syntax)$/);
      });
    }
  });
}

function refusal(template: string): string {
  try {
    return `printed ${parseTemplate(template).render({ untrusted: variables }, { now }).text}`;
  } catch (error) {
    if (error instanceof TemplateSyntaxError) return "syntax";
    if (error instanceof TemplateRuntimeError) return error.kind;
    throw error;
  }
}
