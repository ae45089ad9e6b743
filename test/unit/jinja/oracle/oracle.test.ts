// Random templates print what Python's jinja2 prints, or are refused where it refuses.
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { TemplateRuntimeError, TemplateSyntaxError } from "../../../../src/jinja/errors.ts";
import { parseTemplate } from "../../../../src/jinja/template.ts";
import { python, PythonOracle } from "./python.ts";
import { template, variables } from "./random-template.ts";

/** How many templates; the long form of CI sets more. */
const runs = Number(process.env["JINJA_ORACLE_RUNS"] ?? 2_000);
const seed = process.env["JINJA_ORACLE_SEED"] === undefined ? {} : { seed: Number(process.env["JINJA_ORACLE_SEED"]) };
const now = new Date(2026, 10, 26, 14, 5, 9);

/** What our engine answers, `refused` or `limit`; a limit of ours says nothing about Python. */
function render(source: string, values: Readonly<Record<string, unknown>>): string {
  try {
    return `printed ${parseTemplate(source).render({ untrusted: values }, { now }).text}`;
  } catch (error) {
    if (error instanceof TemplateRuntimeError) return error.kind === "limit" ? "limit" : "refused";
    if (error instanceof TemplateSyntaxError) return "refused";
    throw error;
  }
}

/** Addresses of objects mean nothing. */
function withoutAddresses(text: string): string {
  return text.replace(/0x[0-9a-f]{6,}/gi, "0x");
}

describe.skipIf(!python.isMet)(`jinja beside Python's jinja2${python.note}`, () => {
  let oracle: PythonOracle;

  beforeAll(() => {
    oracle = new PythonOracle();
  });
  afterAll(() => oracle.close());

  it(
    "prints the same for random templates",
    async () => {
      await fc.assert(
        fc.asyncProperty(template, variables, async (source, values) => {
          const ours = render(source, values);
          if (ours === "limit") return;
          const theirs = await oracle.render(source, values);
          const expected = "output" in theirs ? `printed ${theirs.output}` : "refused";
          expect(withoutAddresses(ours), JSON.stringify({ source, theirs })).toBe(withoutAddresses(expected));
        }),
        { numRuns: runs, ...seed },
      );
    },
    runs * 100 + 60_000,
  );
});
