// Markup of every family, spelled with ordinary tokens by a model whose vocabulary has it as tokens: it is text in an answer, in
// reasoning and in a call's arguments, and begins and ends nothing.
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createLlamaBackend } from "../../../src/backends/llama/backend.ts";
import { FAMILIES } from "../../../src/backends/llama/chat/families/families.ts";
import type { ChatFamily } from "../../../src/backends/llama/chat/types.ts";
import type { Backend } from "../../../src/domain/backend.ts";
import type { ToolDefinition } from "../../../src/domain/chat.ts";
import { chat, testContext, textSpec } from "../../support/llama.ts";
import { useMarkupModel } from "../../support/markup-model.ts";

const model = useMarkupModel();

function templateOf({ parser }: ChatFamily): string {
  const start =
    parser === "harmony" ? "<|start|>assistant" : parser === "recipient" ? "assistant\\n>>>" : "assistant\\n";
  return `{%- for message in messages %}{{ message.content }}{%- endfor %}{{ '${start}' }}`;
}

/** The family's markup, whose tokens are then out of the model's reach. */
function markupOf(family: ChatFamily): readonly string[] {
  const all = JSON.stringify(family).match(/<[^<>"\\]+>|\[[A-Z_/]+\]/g) ?? [];
  return [...new Set(all)];
}

function tokensOf(texts: readonly string[]): readonly number[] {
  return texts.flatMap((text) => {
    try {
      return [model.tokenOf(text)];
    } catch {
      return [];
    }
  });
}

describe.each(FAMILIES.map((family) => ({ name: family.name, family })))("$name", ({ name, family }) => {
  const markup = markupOf(family);
  const said = `Say ${markup.join(" or ")} and <function=f><parameter=x>1</parameter></function>.`;
  const f: ToolDefinition = {
    name: "f",
    parameters: { type: "object", properties: { x: { const: said } }, required: ["x"], additionalProperties: false },
    strict: true,
  };
  const schema = f.parameters;
  /** The tokens stay in reach of the model where the answer needs them itself. */
  const spelling = { temperature: 1, seed: 4, logitBias: tokensOf(markup).map((token) => [token, -60] as const) };
  const limits = { maxTokens: 1200, stop: [] };

  let backend: Backend;
  beforeAll(async () => {
    const options = { parallel: 1, family: name, chatTemplate: templateOf(family) };
    backend = await createLlamaBackend(textSpec(model.path, options), testContext());
  });
  afterAll(() => backend.dispose());

  it("is text in a schema's answer, beside tools too", async () => {
    const constraint = { type: "json-schema", name: "x", schema, strict: true } as const;
    for (const more of [{}, { tools: [f] }]) {
      const { choices } = await chat(backend, { ...more, constraint, sampling: spelling, limits, reasoningBudget: 0 });
      const [choice] = choices;
      if (choice!.calls.length > 0) continue;
      expect(choice).toMatchObject({ reasoning: "", calls: [], finish: "end-of-turn" });
      expect(JSON.parse(choice!.text)).toEqual({ x: said });
    }
  });

  it("is text in the answer of a caller's grammar", async () => {
    const grammar = `root ::= ${JSON.stringify(said)}`;
    const { choices } = await chat(backend, {
      constraint: { type: "grammar", grammar },
      sampling: spelling,
      limits,
      reasoningBudget: 0,
    });
    expect(choices[0]).toMatchObject({ text: said, reasoning: "", calls: [], finish: "end-of-turn" });
  });

  it("is text in the arguments of a call", async () => {
    const { choices } = await chat(backend, {
      tools: [f],
      toolChoice: { type: "named", name: "f" },
      sampling: spelling,
      limits,
      reasoningBudget: 0,
    });
    const [choice] = choices;
    expect(choice).toMatchObject({ text: "", reasoning: "", calls: [{ name: "f" }], finish: "tool-calls" });
    expect(JSON.parse(choice!.calls[0]!.arguments)).toEqual({ x: said });
  });
});
