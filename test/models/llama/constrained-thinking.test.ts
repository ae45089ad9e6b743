// Constraints and reasoning, for every family of models: whatever a model would rather do, a constrained answer is either one that
// meets its constraint or one that is cut off by its limit. The model has random weights, and biases make it want what it must not do.
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createLlamaBackend } from "../../../src/backends/llama/backend.ts";
import { FAMILIES } from "../../../src/backends/llama/chat/families/families.ts";
import type { ChatFamily } from "../../../src/backends/llama/chat/types.ts";
import type { Backend } from "../../../src/domain/backend.ts";
import { constraintKinds } from "../../support/constrained-answers.ts";
import { chat, testContext, textSpec } from "../../support/llama.ts";
import { useMarkupModel } from "../../support/markup-model.ts";

const model = useMarkupModel();

/** A template of a family that has nothing but turns, and ends as given. */
function templateOf(family: ChatFamily, opened: string): string {
  const start =
    family.parser === "harmony"
      ? "<|start|>assistant"
      : family.parser === "recipient"
        ? "assistant\\n>>>"
        : "assistant\\n";
  return (
    "{%- for message in messages %}{{ '<|im_start|>' + message.role + '\\n' }}{{ message.content }}{{ '<|im_end|>' }}" +
    `{%- endfor %}{%- if add_generation_prompt %}{{ '${start}${opened.replaceAll("\n", "\\n")}' }}{%- endif %}`
  );
}

/** How the prompts of a family's models end: without reasoning, in it, and behind an empty one. */
function variantsOf(family: ChatFamily): readonly string[] {
  const [first] = family.reasoning;
  if (first === undefined || family.parser === "harmony") return [""];
  return ["", `${first.open}\n`, `${first.open}\n\n${first.close}\n\n`];
}

const variants = FAMILIES.flatMap((family) =>
  variantsOf(family).map((opened) => ({ family, opened, name: `${family.name}, ${JSON.stringify(opened)}` })),
);

/** Biases under which the model wants to end its turn at once, or to reason for ever. */
function wishes(family: ChatFamily, wish: "end" | "think"): readonly (readonly [number, number])[] {
  const ends = model.ends.map((token) => [token, wish === "end" ? 40 : 10] as const);
  const openings = family.reasoning.flatMap(({ open }) => (/^[<[][^ |]+[>\]]$/.test(open) ? [open] : []));
  const started = family.parser === "harmony" ? ["<|channel|>", "<|start|>", "<|message|>"] : openings;
  // Without these a random object, or a list of calls, goes on for ever.
  const closes = [
    [model.tokenOf('"'), 12] as const,
    [model.tokenOf("}"), 9] as const,
    ...["<｜tool▁calls▁end｜>", "<|tool_calls_section_end|>"].map((text) => [model.tokenOf(text), 12] as const),
  ];
  return [...ends, ...closes, ...started.map((text) => [model.tokenOf(text), wish === "think" ? 40 : 20] as const)];
}

const figures = { runs: 0, met: 0 };

describe.each(variants)("a model of the family $name", ({ family, opened }) => {
  let backend: Backend;
  beforeAll(async () => {
    backend = await createLlamaBackend(
      textSpec(model.path, { parallel: 2, family: family.name, chatTemplate: templateOf(family, opened) }),
      testContext(),
    );
  });
  afterAll(() => backend.dispose());

  it.each(Object.keys(constraintKinds))(
    "meets %s or is cut off, however much it wants to end or to think",
    async (kind) => {
      const { request, isMet, isBegun } = constraintKinds[kind]!;
      let met = 0;
      for (const [wish, seed] of [
        ["end", 1],
        ["think", 100],
      ] as const) {
        const { choices } = await chat(backend, {
          ...request,
          reasoningBudget: 6,
          n: 2,
          sampling: { temperature: 1.2, seed, logitBias: wishes(family, wish) },
          limits: { maxTokens: 400, stop: [] },
        });
        for (const choice of choices) {
          figures.runs += 1;
          if (choice.finish === "length") {
            expect(isBegun(choice), JSON.stringify(choice)).toBe(true);
            continue;
          }
          met += 1;
          expect(choice.finish).toBe(choice.calls.length > 0 ? "tool-calls" : "end-of-turn");
          expect(isMet(choice), JSON.stringify(choice)).toBe(true);
        }
      }
      expect(met).toBeGreaterThan(0);
      figures.met += met;
    },
  );

  it.each(["a schema", "a schema beside tools", "a JSON object"])("begins %s without blanks", async (kind) => {
    const blanks = ["Ċ", "Ġ", "ĉ", "č"].map((spelling) => [model.tokenOf(spelling), 60] as const);
    const opened = family.reasoning.flatMap(({ open }) =>
      model.has(open) ? [[model.tokenOf(open), 65] as const] : [],
    );
    for (const logitBias of [blanks, [...blanks, ...opened]]) {
      const { choices } = await chat(backend, {
        ...constraintKinds[kind]!.request,
        reasoningBudget: 3,
        topLogprobs: 0,
        sampling: { temperature: 1, seed: 7, logitBias },
        limits: { maxTokens: 60, stop: [] },
      });
      const { text, logprobs, calls, finish } = choices[0]!;
      // It called a tool instead, or was cut off within its call.
      if (calls.length > 0 || (text === "" && finish === "length")) continue;
      expect(text).toMatch(/^\{/);
      // What the tokens before the text were, reasoning and its markup aside.
      const written = logprobs.map((token) => token.text).join("");
      expect(written.slice(0, written.indexOf("{")).replace(/^(?:[^]*[>:\]]|all)/, "")).toMatch(/^(?:\n{0,2}| )$/);
    }
  });
});

describe("all of these answers", () => {
  it("are many, and most meet their constraint before their limit", () => {
    expect(figures.runs).toBeGreaterThan(200);
    expect(figures.met / figures.runs).toBeGreaterThan(0.8);
  });
});
