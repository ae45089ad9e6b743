// What Python's jinja2 prints, for small templates and for whole published ones (../shared/golden).
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { TemplateRuntimeError, TemplateSyntaxError } from "../../../../src/jinja/errors.ts";
import { parseTemplate } from "../../../../src/jinja/template.ts";
import { parseJsonForTemplate } from "../../../../src/jinja/values/from-json.ts";
import { shared, sharedPath } from "../../../support/shared.ts";

type Variables = Readonly<Record<string, unknown>>;

interface Expected {
  readonly output?: string;
  readonly error?: unknown;
}

interface Snippets {
  readonly variables: Variables;
  readonly cases: readonly (Expected & { readonly group: string; readonly template: string })[];
}

interface Templates {
  readonly templates: Readonly<
    Record<
      string,
      {
        readonly template: string;
        readonly cases: readonly (Expected & { conversation: string; variables: Variables })[];
      }
    >
  >;
}

const snippetsNeed = shared("golden", "jinja-snippets.json");
const templatesNeed = shared("golden", "jinja-templates.json");
/** The day on which the goldens were made. */
const now = new Date(2026, 10, 26, 12);

function load(name: string): unknown {
  return parseJsonForTemplate(readFileSync(sharedPath("golden", name), "utf8"));
}

/** What is printed, or undefined where the template is refused. */
function render(template: string, variables: Variables): string | undefined {
  try {
    return parseTemplate(template).render({ untrusted: variables }, { now }).text;
  } catch (error) {
    if (error instanceof TemplateSyntaxError || error instanceof TemplateRuntimeError) return undefined;
    throw error;
  }
}

/** Addresses of objects mean nothing. */
function withoutAddresses(text: string | undefined): string | undefined {
  return text?.replace(/0x[0-9a-f]{6,}/g, "0x");
}

describe.skipIf(!snippetsNeed.isMet)(`small templates${snippetsNeed.note}`, () => {
  const { variables, cases } = snippetsNeed.isMet
    ? (load("jinja-snippets.json") as Snippets)
    : { variables: {}, cases: [] };

  for (const { group, template, output } of cases) {
    it(`${group}: ${JSON.stringify(template)}`, () => {
      expect(withoutAddresses(render(template, variables))).toBe(withoutAddresses(output));
    });
  }
});

describe.skipIf(!templatesNeed.isMet)(`published templates${templatesNeed.note}`, () => {
  const { templates } = templatesNeed.isMet ? (load("jinja-templates.json") as Templates) : { templates: {} };

  for (const [name, { template, cases }] of Object.entries(templates)) {
    for (const { conversation, variables, output } of cases) {
      it(`${name}: ${conversation}`, () => {
        expect(render(template, variables)).toBe(output);
      });
    }
  }
});
