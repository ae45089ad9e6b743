// The engine as others use it: what goes in, what comes out, what is thrown.
import { describe, expect, it } from "vitest";
import { TemplateRuntimeError, TemplateSyntaxError } from "../../../src/jinja/errors.ts";
import { parseTemplate } from "../../../src/jinja/template.ts";
import { parseJsonForTemplate } from "../../../src/jinja/values/from-json.ts";
import { Float } from "../../../src/jinja/values/value.ts";

function print(source: string, untrusted: Readonly<Record<string, unknown>> = {}): string {
  return parseTemplate(source).render({ untrusted }).text;
}

function thrownBy(run: () => unknown): unknown {
  try {
    run();
  } catch (error) {
    return error;
  }
  return undefined;
}

describe("parseTemplate", () => {
  it("renders one template many times, each on its own", () => {
    const template = parseTemplate(
      "{% set ns = namespace(n=0) %}{% for x in l %}{% set ns.n = ns.n + x %}{% endfor %}{{ ns.n }}",
    );
    expect(template.render({ untrusted: { l: [1, 2] } }).text).toBe("3");
    expect(template.render({ untrusted: { l: [5] } }).text).toBe("5");
  });

  it.each([
    [
      "a\n\n{% if x %}",
      3,
      /Unexpected end of template\. Jinja was looking for the following tags: 'elif' or 'else' or 'endif'/,
    ],
    ["{% for x in l %}\n{{ x }\n{% endfor %}", 2, /unexpected '}'/],
    ["\n{% nonsense %}", 2, /Encountered unknown tag 'nonsense'\./],
    ["{{ x|nofilter }}", 1, /No filter named 'nofilter'\./],
    ["{{ 'a }}", 1, /unexpected char "?'/],
    ["a\n{# b", 2, /Missing end of comment tag/],
  ])("names line and reason of %j", (source, line, reason) => {
    const error = thrownBy(() => parseTemplate(source));
    expect(error).toBeInstanceOf(TemplateSyntaxError);
    expect(error).toMatchObject({ line, reason: expect.stringMatching(reason) as string });
    expect((error as Error).message).toBe(`line ${line}: ${(error as TemplateSyntaxError).reason}`);
  });
});

describe("render", () => {
  it("tells a template that refuses from one that fails", () => {
    const refusal = thrownBy(() => print("{{ raise_exception('Roles must alternate') }}"));
    expect(refusal).toBeInstanceOf(TemplateRuntimeError);
    expect(refusal).toMatchObject({ kind: "raised", type: "TemplateError", message: "Roles must alternate" });
    expect(thrownBy(() => print("{{ x.y }}"))).toMatchObject({
      kind: "error",
      type: "UndefinedError",
      message: "'x' is undefined",
    });
    expect(thrownBy(() => print("{{ 1 + 'a' }}"))).toMatchObject({ kind: "error", type: "TypeError" });
    expect(thrownBy(() => print("{{ 'a' * 10**9 }}"))).toMatchObject({ kind: "limit", type: "text" });
  });

  it("takes the values of JavaScript as Python has them", () => {
    const values = {
      a: null,
      b: true,
      c: 2,
      d: 2.5,
      e: new Float(2),
      f: "x",
      g: [1],
      h: { k: undefined, l: 1 },
      i: 10n ** 20n,
      j: -0,
    };
    expect(print("{{ a }} {{ b }} {{ c }} {{ d }} {{ e }} {{ f }} {{ g }} {{ h }} {{ i }} {{ j }}", values)).toBe(
      "None True 2 2.5 2.0 x [1] {'l': 1} 100000000000000000000 0",
    );
    expect(print("{{ x is defined }}", { x: undefined })).toBe("False");
    expect(
      print("{{ x }}", {
        x: new Map<unknown, unknown>([
          ["b", 1],
          ["1", 2],
          [1, new Map()],
        ]),
      }),
    ).toBe("{'b': 1, '1': 2, 1: {}}");
  });

  it("refuses values that Python's JSON does not have", () => {
    expect(thrownBy(() => print("{{ x }}", { x: () => 1 }))).toMatchObject({ kind: "error" });
    let deep: unknown = [];
    for (let level = 0; level < 10_000; level += 1) deep = [deep];
    expect(thrownBy(() => print("{{ 1 }}", { deep }))).toMatchObject({ kind: "error", type: "RecursionError" });
  });

  it("keeps the floats of JSON as floats", () => {
    const values = parseJsonForTemplate('{"a": 2.0, "b": 1e3, "c": 12345678901234567890, "d": "3.0", "e": [1, -0.0]}');
    expect(print("{{ a }} {{ b }} {{ c }} {{ d }} {{ e }}", values as Record<string, unknown>)).toBe(
      "2.0 1000.0 12345678901234567890 3.0 [1, -0.0]",
    );
    expect(() => parseJsonForTemplate("{")).toThrow(SyntaxError);
  });

  it("sees the time that is given", () => {
    const template = parseTemplate("{{ strftime_now('%d %b %Y') }}");
    expect(template.render({}, { now: new Date(2026, 10, 26) }).text).toBe("26 Nov 2026");
  });

  it("does not let a template reach what is no variable", () => {
    for (const name of ["constructor", "__proto__", "toString", "hasOwnProperty"]) {
      expect(print(`{{ ${name} is defined }}{{ d.${name} is defined }}{{ d['${name}'] is defined }}`, { d: {} })).toBe(
        "FalseFalseFalse",
      );
    }
  });
});
