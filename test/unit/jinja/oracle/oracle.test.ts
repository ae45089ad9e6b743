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
    if (error instanceof TemplateRuntimeError) return error.kind === "limit" || makesSet(error) ? "limit" : "refused";
    if (error instanceof TemplateSyntaxError) return "refused";
    throw error;
  }
}

/** Views of dicts can be subtracted in Python, which gives a set; the engine has none. */
function makesSet({ message }: Error): boolean {
  return /^unsupported operand type\(s\) for -: 'dict_(?:keys|items)'/.test(message);
}

/** Addresses of objects differ from process to process, and a template may print them letter by letter or backwards. */
function hasAddress(text: string): boolean {
  return /7f0{6,}|0{6,}f7/i.test(text.replace(/[^0-9a-z]/gi, ""));
}

describe.skipIf(!python.isMet)(`jinja beside Python's jinja2${python.note}`, () => {
  let oracle: PythonOracle;
  /** Another process, in which objects have other addresses. */
  let other: PythonOracle;

  beforeAll(() => {
    oracle = new PythonOracle();
    other = new PythonOracle();
  });
  afterAll(() => {
    oracle.close();
    other.close();
  });

  it(
    "prints the same for random templates",
    async () => {
      await fc.assert(
        fc.asyncProperty(template, variables, async (source, values) => {
          const ours = render(source, values);
          if (ours === "limit" || hasAddress(ours)) return;
          const theirs = await oracle.render(source, values);
          const expected = "output" in theirs ? `printed ${theirs.output}` : "refused";
          // A template may take an address apart, so that it cannot be found: then no two processes agree.
          if (ours !== expected && JSON.stringify(await other.render(source, values)) !== JSON.stringify(theirs))
            return;
          expect(ours, JSON.stringify({ source, theirs })).toBe(expected);
        }),
        { numRuns: runs, ...seed },
      );
    },
    runs * 100 + 60_000,
  );
});
