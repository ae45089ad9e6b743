// Markup that is tokens of a vocabulary: where a model writes the tokens it is markup, where it spells their texts with ordinary tokens
// it is text.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { FAMILIES, detectFamily } from "../../../../../src/backends/llama/chat/families/families.ts";
import { familyMarkup } from "../../../../../src/backends/llama/chat/family-markup.ts";
import { createOutputParser } from "../../../../../src/backends/llama/chat/output-parser.ts";
import type { ChatFamily, OutputParserOptions } from "../../../../../src/backends/llama/chat/types.ts";
import { MarkupTokens, withoutSigns } from "../../../../../src/backends/llama/tokens/markup-tokens.ts";
import { MORE_RECORDED_OUTPUTS } from "./recorded-outputs-more.ts";
import { RECORDED_OUTPUTS } from "./recorded-outputs.ts";

const tools: OutputParserOptions["tools"] = [
  tool("special_function", { arg1: { type: "integer" } }),
  tool("special_function_with_opt", { arg1: { type: "integer" }, arg2: { type: "integer" } }),
  tool("get_weather", { city: { type: "string" }, days: { type: "array" }, metric: { type: "boolean" } }),
  tool("brave_search", { query: { type: "string" } }),
  tool("python", { code: { type: "string" } }),
];

function tool(name: string, properties: Record<string, unknown>): OutputParserOptions["tools"][number] {
  return { name, parameters: { type: "object", properties }, strict: false };
}

/** Texts of markup in published vocabularies. */
const texts = [
  ...new Set(
    JSON.stringify(FAMILIES)
      .match(/<[^<>"\\]+>|\[[A-Z_/]+\]/g)
      ?.filter((text) => !text.includes("=")),
  ),
];

function markupOf(family: ChatFamily): MarkupTokens {
  const specialTokens = texts.map((text, id) => ({ id, text, isControl: true, stripsLeft: false, stripsRight: false }));
  return familyMarkup(family, { specialTokens, isEndOfGeneration: () => false });
}

interface Result {
  readonly text: string;
  readonly reasoning: string;
  readonly calls: readonly (readonly [name: string, argumentsJson: string])[];
}

function parse(family: ChatFamily, pieces: readonly string[], options: Partial<OutputParserOptions> = {}): Result {
  const parser = createOutputParser({
    family,
    tools,
    parallel: true,
    startsInReasoning: false,
    markup: markupOf(family),
    ...options,
  });
  const result = { text: "", reasoning: "", calls: [] as [string, string][] };
  for (const event of [...pieces.flatMap((piece) => parser.push(piece)), ...parser.end()]) {
    if (event.type === "text") result.text += event.text;
    else if (event.type === "reasoning") result.reasoning += event.text;
    else if (event.type === "tool-call-start") result.calls.push([event.name, ""]);
    else result.calls.at(-1)![1] += event.arguments;
  }
  return result;
}

/** The pieces that a model writes: each piece of markup is one token. */
function piecesOf(family: ChatFamily, text: string): string[] {
  const markup = markupOf(family);
  return markup
    .split(text)
    .flatMap((part) => (part.token === undefined ? part.text.split("") : markup.sign(part.text)));
}

describe.each([...RECORDED_OUTPUTS, ...MORE_RECORDED_OUTPUTS])(
  "$family, $title ($source)",
  ({ family, output, options, text = "", reasoning = "", calls = [] }) => {
    it("gives the recorded text, reasoning and calls where the markup is tokens", () => {
      const found = detectFamily("", family);
      expect(parse(found, piecesOf(found, output), options)).toEqual({ text, reasoning, calls });
    });
  },
);

describe.each(FAMILIES.map((family) => ({ family, name: family.name })))("$name", ({ family }) => {
  const markup = markupOf(family);
  const spelled = markup.all.map(({ text }) => text);
  const words = fc.constantFrom("word", " and ", "é🗼", ". ", "\n", "𐀀");
  const spelling = fc
    .array(spelled.length === 0 ? words : fc.oneof(words, fc.constantFrom(...spelled)), { minLength: 1, maxLength: 8 })
    .map((parts) => `So ${parts.join("")}!`);

  it("keeps markup that is spelled as text", () => {
    fc.assert(
      fc.property(spelling, fc.boolean(), (text, finalTextOnly) => {
        const all = { text, reasoning: "", calls: [] };
        expect(parse(family, [text], { finalTextOnly, startsInText: family.parser !== "markers" })).toEqual(all);
        expect(parse(family, text.split(""), { startsInText: family.parser !== "markers" })).toEqual(all);
      }),
      { numRuns: 50 },
    );
  });

  it("keeps markup that is spelled as reasoning, up to the token that ends it", () => {
    const ended = family.reasoning.filter(({ close }) => spelled.includes(close));
    for (const { close } of ended) {
      fc.assert(
        fc.property(spelling, (text) => {
          const pieces = [text, markup.sign(close)];
          expect(parse(family, pieces, { startsInReasoning: true })).toEqual({ text: "", reasoning: text, calls: [] });
        }),
        { numRuns: 50 },
      );
    }
  });

  it("takes the tokens in a call's strings for their text", () => {
    if (family.formatShape.kind !== "json" && family.formatShape.kind !== "named-json") return;
    const shape = family.formatShape;
    const inner = spelled.filter((text) => !text.includes('"')).join(" ");
    const written =
      shape.kind === "json"
        ? `${shape.open}${shape.list ? "[" : ""}{"${shape.nameKey}": "get_weather", "${shape.argumentsKey}": {"city": "${inner}"}}`
        : `${shape.open}${shape.beforeEach}get_weather${shape.beforeArguments}{"city": "${inner}"}`;
    const { calls } = parse(family, piecesOf(family, written), { parallel: false });
    expect(calls).toEqual([["get_weather", `{"city": "${inner}"}`]]);
  });
});

describe("signs", () => {
  const markup = new MarkupTokens([
    { id: 1, text: "<a>", endsAnswer: false },
    { id: 2, text: "<a><b>", endsAnswer: true },
  ]);

  it("stand before markup, the longest first, and are taken away without a trace", () => {
    expect(markup.split("x<a>y<a><b>").map(({ text, token }) => [text, token?.id])).toEqual([
      ["x", undefined],
      ["<a>", 1],
      ["y", undefined],
      ["<a><b>", 2],
    ]);
    expect(markup.sign("x<a>")).not.toBe("x<a>");
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), fc.nat({ max: 40 }), (text, cut) => {
        expect(withoutSigns(markup.sign(`${text}<a>`))).toBe(`${text}<a>`);
        expect(withoutSigns(text.slice(0, cut)) + withoutSigns(text.slice(cut))).toBe(text);
      }),
    );
  });

  it("are put into every text of a structure, and leave all else as it is", () => {
    const detect = (): boolean => true;
    const signed = markup.signAll({ list: ["<a>", 1], inner: { text: "<a>", none: null }, detect });
    expect(signed).toEqual({ list: [markup.sign("<a>"), 1], inner: { text: markup.sign("<a>"), none: null }, detect });
    expect(MarkupTokens.none.sign("<a>")).toBe("<a>");
  });
});
