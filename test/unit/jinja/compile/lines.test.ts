// The line that an error names is that of the innermost statement, as in jinja2's traceback.
import { describe, expect, it } from "vitest";
import { TemplateRuntimeError } from "../../../../src/jinja/errors.ts";
import { parseTemplate } from "../../../../src/jinja/template.ts";

function failure(source: string, limits = {}): unknown {
  try {
    parseTemplate(source).render({ untrusted: { items: [1, 2] } }, { limits });
  } catch (error) {
    return error;
  }
  return undefined;
}

describe("an error while a template is rendered", () => {
  it.each([
    ["a printed expression", "\n\n{{ missing.name }}", 3],
    ["an expression that begins on a later line", "{{\n\n  missing.name }}", 3],
    ["the body of a loop", "{% for x in items %}\n  a\n  {{ x.y.z }}\n{% endfor %}", 3],
    ["what is iterated over", "a\n{% for x in 1 %}\n{% endfor %}", 2],
    ["a condition", "\n{% if missing.name %}\n{% endif %}", 2],
    ["a later condition", "{% if false %}\n{% elif missing.name %}\n{% endif %}", 2],
    ["an assignment", "\n\n{% set x = missing.name %}", 3],
    ["the body of a macro, not the call", "{% macro m() %}\n{{ missing.name }}\n{% endmacro %}\n\n{{ m() }}", 2],
    ["the macro's arguments, where it is called", "{% macro m() %}\n{% endmacro %}\n\n{{ m(1) }}", 4],
    ["a call block", "\n{% call missing.name() %}\n{% endcall %}", 2],
    ["a filter that is not there", "{% if true %}\n\n{{ 1 | nope }}{% endif %}", 3],
    ["a block that is filtered", "{% filter upper %}\n{{ missing.name }}\n{% endfilter %}", 2],
    ["a refusal by the template", "\n{% if true %}\n{{ raise_exception('No') }}\n{% endif %}", 3],
  ])("names the line of %s", (_, source, line) => {
    const error = failure(source);
    expect(error).toBeInstanceOf(TemplateRuntimeError);
    expect(error).toMatchObject({ line });
  });

  it("leaves Python's words as they are", () => {
    expect(failure("\n{{ missing.name }}")).toMatchObject({ message: "'missing' is undefined", line: 2 });
  });

  it("names the line on which a limit was passed", () => {
    expect(failure("a\n{% for x in range(1000) %}\n{{ x }}\n{% endfor %}", { steps: 500 })).toMatchObject({
      kind: "limit",
      line: 3,
    });
  });
});
