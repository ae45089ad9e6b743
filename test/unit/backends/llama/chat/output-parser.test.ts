import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { FAMILIES, detectFamily } from "../../../../../src/backends/llama/chat/families/families.ts";
import { createOutputParser } from "../../../../../src/backends/llama/chat/output-parser.ts";
import { formatCalls } from "../../../../../src/backends/llama/chat/template/messages/tool-text.ts";
import type { OutputParserOptions, ParsedEvent } from "../../../../../src/backends/llama/chat/types.ts";
import { MORE_RECORDED_OUTPUTS } from "./recorded-outputs-more.ts";
import { NEWER_RECORDED_OUTPUTS } from "./recorded-outputs-newer.ts";
import { RECORDED_OUTPUTS } from "./recorded-outputs.ts";

const TOOLS: OutputParserOptions["tools"] = [
  tool("special_function", { arg1: { type: "integer" } }),
  tool("special_function_with_opt", { arg1: { type: "integer" }, arg2: { type: "integer" } }),
  tool("get_weather", { city: { type: "string" }, days: { type: "array" }, metric: { type: "boolean" } }),
  tool("brave_search", { query: { type: "string" } }),
  tool("python", { code: { type: "string" } }),
];

function tool(name: string, properties: Record<string, unknown>): OutputParserOptions["tools"][number] {
  return { name, parameters: { type: "object", properties }, strict: false };
}

interface Result {
  readonly text: string;
  readonly reasoning: string;
  readonly calls: readonly (readonly [name: string, argumentsJson: string])[];
}

/** Parses the pieces and joins the events; checks the order of the events, and their numbers and ids, on the way. */
function parse(
  family: string,
  pieces: readonly string[],
  { cutOff = false, ...options }: Partial<OutputParserOptions> & { readonly cutOff?: boolean } = {},
): Result {
  const parser = createOutputParser({
    family: detectFamily("", family),
    tools: TOOLS,
    parallel: true,
    startsInReasoning: false,
    createId: (index) => `id${index}`,
    ...options,
  });
  const events = [...pieces.flatMap((piece) => parser.push(piece)), ...parser.end({ cutOff })];
  const result = { text: "", reasoning: "", calls: [] as [string, string][] };
  for (const event of events) collect(result, event);
  return result;
}

function collect(result: { text: string; reasoning: string; calls: [string, string][] }, event: ParsedEvent): void {
  switch (event.type) {
    case "text":
      result.text += event.text;
      break;
    case "reasoning":
      result.reasoning += event.text;
      break;
    case "tool-call-start":
      expect(event).toMatchObject({ index: result.calls.length, id: `id${event.index}` });
      result.calls.push([event.name, ""]);
      break;
    case "tool-call-delta": {
      expect(event.index).toBe(result.calls.length - 1);
      const call = result.calls.at(-1);
      if (call !== undefined) call[1] += event.arguments;
      break;
    }
  }
}

/** Texts with which a call of the family may begin, and other markup that it drops. */
function openings(family: string): readonly string[] {
  const { calls, dropped, reasoning } = detectFamily("", family);
  const own = calls.flatMap(({ shape, otherOpens = [] }) => [
    shape.open,
    ...(shape.kind === "named-json" ? [shape.beforeEach] : []),
    ...(shape.kind === "xml-parameters" ? [shape.tags.beforeName] : []),
    ...otherOpens,
  ]);
  return [...own, ...dropped, ...reasoning.map(({ open }) => open), '{"name": "', "[special_function_with_opt(", ">>>"];
}

/** The text without a beginning of `of` at its end, if `expected` begins with what remains. */
function withoutBeginning(
  text: string,
  { of, expected }: { readonly of: string; readonly expected: string },
): string | undefined {
  for (let length = Math.min(of.length, text.length); length > 0; length -= 1) {
    const rest = text.slice(0, text.length - length);
    if (text.endsWith(of.slice(0, length)) && expected.startsWith(rest.trimEnd())) return rest;
  }
  return undefined;
}

/** Arguments that are emitted value by value are a beginning of the whole except for white space. */
function isBeginning(json: string, whole: string): boolean {
  return whole.startsWith(json) || whole.replace(/\s/g, "").startsWith(json.replace(/\s/g, ""));
}

describe.each([...RECORDED_OUTPUTS, ...MORE_RECORDED_OUTPUTS, ...NEWER_RECORDED_OUTPUTS])(
  "$family, $title ($source)",
  ({ family, output, options, text = "", reasoning = "", calls = [] }) => {
    const expected: Result = { text, reasoning, calls };

    it("gives the recorded text, reasoning and calls", () => {
      expect(parse(family, [output], options)).toEqual(expected);
    });

    it("gives the same character by character and split anywhere", () => {
      expect(parse(family, output.split(""), options)).toEqual(expected);
      for (let split = 1; split < output.length; split += 1) {
        expect(parse(family, [output.slice(0, split), output.slice(split)], options)).toEqual(expected);
      }
    });

    it("shows nothing of a call that is cut off but its name and the arguments so far", () => {
      for (let end = 0; end <= output.length; end += 1) {
        const cut = parse(family, [output.slice(0, end)], { ...options, cutOff: true });
        // An incomplete opening may still be text, and so may a bare object before its name.
        const isBare = /^\s*(?:\{|\[|```json)/.test(output) && cut.calls.length === 0 && !/name": "/.test(cut.text);
        if (cut.text.trim().length <= 1) continue;
        if (isBare && cut.text === output.slice(0, end)) continue;
        const shown = openings(family).reduce(
          (rest, opening) => (rest === undefined ? withoutBeginning(cut.text, { of: opening, expected: text }) : rest),
          text.startsWith(cut.text) || cut.text.trimEnd() === text ? cut.text : undefined,
        );
        // Without what may have been an opening, the text so far and no more.
        expect(
          text.startsWith(shown?.trimEnd() ?? "nothing of the text"),
          `cut at ${end}: ${JSON.stringify(cut)}`,
        ).toBe(true);
        cut.calls.forEach(([name, json], index) => {
          expect(calls[index]?.[0]).toBe(name);
          expect(isBeginning(json, calls[index]?.[1] ?? ""), `cut at ${end}: ${json}`).toBe(true);
        });
      }
    });

    it("gives the same split at two places", () => {
      // Every pair in short outputs, every few characters in long ones.
      const stride = Math.ceil(output.length / 90);
      for (let first = 1; first < output.length; first += stride) {
        for (let second = first + 1; second < output.length; second += stride) {
          const pieces = [output.slice(0, first), output.slice(first, second), output.slice(second)];
          expect(parse(family, pieces, options)).toEqual(expected);
        }
      }
    });
  },
);

describe.each(FAMILIES.map((family) => ({ family, name: family.name })))("$name", ({ family, name }) => {
  const calls = [
    { id: "", name: "special_function", arguments: '{"arg1": 1}' },
    {
      id: "",
      name: "get_weather",
      arguments: '{"city": "It\\"s\\n</x> {🗼}", "days": [1, {"a": null}], "metric": true}',
    },
  ];
  const marks = { text: (text: string) => text, deep: (value: unknown) => value };

  it("reads calls in its own format", () => {
    const result = parse(name, [formatCalls(calls, { shape: family.formatShape, marks })]);
    expect(result.calls.map(([called, json]) => [called, JSON.parse(json) as unknown])).toEqual(
      calls.map((call) => [call.name, JSON.parse(call.arguments) as unknown]),
    );
    expect(result.text + result.reasoning).toBe("");
  });

  it("begins the calls of its lazy grammar with every trigger", () => {
    const written = formatCalls(calls.slice(0, 1), { shape: family.lazyShape ?? family.formatShape, marks });
    for (const trigger of family.triggers) {
      const text = (trigger.assumed ?? "") + trigger.text.replace("{name}", "special_function");
      expect(written.startsWith(text)).toBe(true);
    }
  });
});

describe("any output", () => {
  const families = fc.constantFrom(...FAMILIES.map((family) => family.name));
  const markup = [
    ...new Set(
      FAMILIES.flatMap((family) => [
        ...family.keepTokens,
        ...family.reasoning.flatMap(({ open, close }) => [open, close]),
        ...family.triggers.map((trigger) => trigger.text),
        ...family.dropped,
      ]),
    ),
  ];
  const fragments = fc.oneof(
    fc.constantFrom(
      ...markup,
      '{"name": "special_function", ',
      '"arguments": {"arg1": [1, "x"]}}',
      "[",
      "{",
      "}",
      "]",
      ">>>",
      "\n",
      "all\n",
    ),
    fc.string({ maxLength: 8 }),
    fc.constantFrom("special_function", "get_weather(city='a')", "<parameter=city>", "</parameter>"),
  );
  const cutRandomly = (text: string, cuts: readonly number[]): string[] => {
    const places = [...new Set(cuts.map((cut) => cut % (text.length + 1)))].sort((left, right) => left - right);
    return [0, ...places].map((from, index) => text.slice(from, places[index]));
  };

  it("never throws, and gives the same however it is split", () => {
    fc.assert(
      fc.property(
        families,
        fc.array(fragments, { maxLength: 14 }),
        fc.array(fc.nat(), { maxLength: 6 }),
        fc.boolean(),
        (family, parts, cuts, thinking) => {
          const output = parts.join("");
          const options = { startsInReasoning: thinking };
          const whole = parse(family, [output], options);
          expect(parse(family, cutRandomly(output, cuts), options)).toEqual(whole);
          expect(parse(family, output.split(""), options)).toEqual(whole);
        },
      ),
      { numRuns: 700 },
    );
  });

  it("keeps every character of a text without markup", () => {
    const plain = fc
      .string({ unit: "grapheme", maxLength: 60 })
      .filter((text) => !/[<[{>`(]|Action|Here|functools|=/.test(text));
    fc.assert(
      fc.property(families, plain, fc.array(fc.nat(), { maxLength: 4 }), (family, text, cuts) => {
        expect(parse(family, cutRandomly(text, cuts))).toEqual({ text, reasoning: "", calls: [] });
      }),
      { numRuns: 500 },
    );
  });

  it("gives text out as soon as it cannot be markup", () => {
    const parser = createOutputParser({
      family: detectFamily("", "hermes"),
      tools: TOOLS,
      parallel: true,
      startsInReasoning: false,
    });
    expect(parser.push("Hello <to")).toEqual([{ type: "text", text: "Hello" }]);
    expect(parser.push("ast> ")).toEqual([{ type: "text", text: " <toast>" }]);
    expect(parser.end()).toEqual([{ type: "text", text: " " }]);
  });

  it("streams arguments while they are written, and says when it is done", () => {
    const parser = createOutputParser({
      family: detectFamily("", "hermes"),
      tools: TOOLS,
      parallel: false,
      startsInReasoning: false,
      createId: () => "id",
    });
    expect(parser.push('<tool_call>\n{"name": "get_weather", "arguments": {"ci')).toEqual([
      { type: "tool-call-start", index: 0, id: "id", name: "get_weather" },
      { type: "tool-call-delta", index: 0, arguments: '{"ci' },
    ]);
    expect(parser.done).toBe(false);
    expect(parser.push('ty": "A"}}')).toEqual([{ type: "tool-call-delta", index: 0, arguments: 'ty": "A"}' }]);
    expect(parser.done).toBe(true);
    expect(parser.push("</tool_call>ignored")).toEqual([]);
  });

  it("reads a megabyte in pieces in linear time", () => {
    const parser = createOutputParser({
      family: detectFamily("", "hermes"),
      tools: TOOLS,
      parallel: true,
      startsInReasoning: false,
    });
    const started = performance.now();
    let length = 0;
    for (let index = 0; index < 200_000; index += 1) {
      for (const event of parser.push("word ")) length += event.type === "text" ? event.text.length : 0;
    }
    for (const event of parser.end()) length += event.type === "text" ? event.text.length : 0;
    expect(length).toBe(1_000_000);
    expect(performance.now() - started).toBeLessThan(5_000);
  });
});
