// A template is a stranger's program: whatever it asks for, it is stopped by a limit, and soon.
import { describe, expect, it } from "vitest";
import { TemplateRuntimeError } from "../../../src/jinja/errors.ts";
import { parseTemplate, type RenderOptions } from "../../../src/jinja/template.ts";

/** The limit that stops the template, or what it does instead. */
function stoppedBy(source: string, options: RenderOptions = {}): string {
  try {
    return `printed ${parseTemplate(source).render({ untrusted: { s: "abc" } }, options).text.length}`;
  } catch (error) {
    if (error instanceof TemplateRuntimeError)
      return error.kind === "limit" ? error.type : `${error.kind}: ${error.message}`;
    throw error;
  }
}

describe("limits", () => {
  it.each([
    ["{{ 'a' * 10**9 }}", "text"],
    ["{{ s * 10**9 }}", "text"],
    ["{{ [0] * 10**9 }}", "items"],
    ["{{ '%1000000000d' % 1 }}", "text"],
    ["{{ '%.1000000000f' % 1 }}", "text"],
    ["{{ '%*d' % (1000000000, 1) }}", "text"],
    ["{{ '{:1000000000}'.format(s) }}", "text"],
    ["{{ '{:.1000000f}'.format(1.5) }}", "bits"],
    ["{{ s.center(10**9) }}", "text"],
    ["{{ s.ljust(10**9) }}", "text"],
    ["{{ s.zfill(10**9) }}", "text"],
    ["{{ '\t'.expandtabs(10**9) }}", "text"],
    ["{{ s|center(10**9) }}", "text"],
    ["{{ s|indent(10**9) }}", "text"],
    ["{{ s|tojson(indent=10**9) }}", "text"],
    ["{{ [1]|batch(10**9, 0)|list }}", "items"],
    ["{{ 10 ** (10**9) }}", "bits"],
    ["{{ (10 ** (10**3)) ** 99 }}", "bits"],
    ["{% set ns = namespace(x=3) %}{% for i in range(99) %}{% set ns.x = ns.x * ns.x %}{% endfor %}", "bits"],
    [
      "{% set ns = namespace(x='ab') %}{% for i in range(99) %}{% set ns.x = ns.x.replace('', ns.x) %}{% endfor %}",
      "text",
    ],
    ["{% set ns = namespace(x='ab') %}{% for i in range(99) %}{% set ns.x = ns.x ~ ns.x %}{% endfor %}", "text"],
    ["{% set ns = namespace(x=[1]) %}{% for i in range(99) %}{% set ns.x = ns.x + ns.x %}{% endfor %}", "items"],
    ["{% set ns = namespace(x=[]) %}{% for i in range(9999) %}{% set ns.x = [ns.x] %}{% endfor %}{{ ns.x }}", "depth"],
    [
      "{% set ns = namespace(x=[]) %}{% for i in range(9999) %}{% set ns.x = [ns.x] %}{% endfor %}{{ ns.x|tojson }}",
      "depth",
    ],
    [
      "{% set ns = namespace(x=[]) %}{% for i in range(9999) %}{% set ns.x = [ns.x] %}{% endfor %}{{ ns.x == [ns.x] }}",
      "depth",
    ],
    [
      "{% set ns = namespace(x=()) %}{% for i in range(9999) %}{% set ns.x = (ns.x,) %}{% endfor %}{{ {ns.x: 1} }}",
      "depth",
    ],
    [
      "{% set ns = namespace(x=[1]) %}{% for i in range(9999) %}{% set ns.x = ns.x|map('int') %}{% endfor %}{{ ns.x|list }}",
      "depth",
    ],
    ["{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}", "depth"],
    ["{% for x in [1] recursive %}{{ loop([1]) }}{% endfor %}", "depth"],
    ["{% block a %}{{ self.a() }}{% endblock %}", "depth"],
    ["{% for i in range(99999) %}{% for j in range(99999) %}{% endfor %}{% endfor %}", "steps"],
    ["{% for i in range(99999) %}{% for j in range(99999) %}aaaa{% endfor %}{% endfor %}", "output"],
    ["{% for i in range(99999) %}{% set x = 'a' * 99999 %}{% endfor %}", "steps"],
    ["{% for i in range(99999) %}{{ 'aaaaaaaaaa' * 999 }}{% endfor %}", "output"],
  ])("stops %s", (source, limit) => {
    expect(stoppedBy(source, { limits: { steps: 3_000_000, output: 1_000_000 } })).toBe(limit);
  });

  it("refuses ranges that the sandbox refuses", () => {
    expect(stoppedBy("{{ range(10**12) }}")).toMatch(/^error: Range too big/);
  });

  it("stops by the clock that is given", () => {
    let time = 0;
    const clock = (): number => (time += 100);
    expect(stoppedBy("{% for i in range(99999) %}{{ i }}{% endfor %}", { clock, limits: { milliseconds: 50 } })).toBe(
      "milliseconds",
    );
  });

  it("holds the limits that are given", () => {
    expect(stoppedBy("{{ 'a' * 50 }}", { limits: { text: 49 } })).toBe("text");
    expect(stoppedBy("{{ 'a' * 50 }}", { limits: { output: 49 } })).toBe("output");
    expect(stoppedBy("{{ 'a' * 50 }}", { limits: { text: 50, output: 50 } })).toBe("printed 50");
    expect(stoppedBy("{% for i in range(50) %}{% endfor %}", { limits: { steps: 20 } })).toBe("steps");
  });

  it("reads hostile templates in time that grows with their length", () => {
    const long = 200_000;
    for (const source of [
      `${" ".repeat(long)}x{{- 1 }}`,
      "{#".repeat(long),
      "{% raw %}".repeat(long),
      `{{ ${"(".repeat(long)} }}`,
      `{{ ${"- ".repeat(long)}1 }}`,
      `{{ x${"|d".repeat(long)} }}`,
      `{{ ${"1 + ".repeat(long)} 1 }}`,
      "{% if x %}".repeat(20_000),
    ]) {
      const begun = performance.now();
      try {
        parseTemplate(source).render({});
      } catch (error) {
        expect((error as Error).name).toMatch(/^Template/);
      }
      expect(performance.now() - begun).toBeLessThan(5_000);
    }
  });

  it("works on hostile texts in time that grows with their length", () => {
    const texts = [
      "@".repeat(300_000),
      "a@".repeat(150_000),
      "<".repeat(300_000),
      "-".repeat(300_000),
      "http://".repeat(40_000),
      " ".repeat(300_000) + "x",
      "%(".repeat(100_000),
      "{".repeat(100_000),
    ];
    for (const text of texts) {
      for (const use of [
        "x|urlize",
        "x|striptags",
        "x|wordwrap(9)",
        "x|title",
        "x|trim",
        "x.split()",
        "x|pprint",
        "x % {}",
        "x.format()",
        "x|int",
        "x|float",
        "x|truncate(9)",
        "x|replace(' ', '')",
        "x.rsplit(none, 1)",
      ]) {
        const begun = performance.now();
        try {
          parseTemplate(`{{ ${use} }}`).render({ untrusted: { x: text } });
        } catch (error) {
          expect((error as Error).name).toBe("TemplateRuntimeError");
        }
        expect(performance.now() - begun, `${use} of ${text.slice(0, 9)}`).toBeLessThan(5_000);
      }
    }
  });
});
