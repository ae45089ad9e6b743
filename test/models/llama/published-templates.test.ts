// Constraints and reasoning under the chat templates that reasoning models are published with: whatever a model would rather do, a
// constrained answer meets its constraint or is cut off by its limit. The model has random weights, and biases make it want to end its
// turn, to reason or to do either at every step. Source of the templates: ../shared/golden/chat-templates.json.
import { readFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createLlamaBackend } from "../../../src/backends/llama/backend.ts";
import type { Backend } from "../../../src/domain/backend.ts";
import type { ChatRequest } from "../../../src/domain/chat.ts";
import { constraintKinds } from "../../support/constrained-answers.ts";
import { chat, testContext, textSpec } from "../../support/llama.ts";
import { useMarkupModel } from "../../support/markup-model.ts";
import { shared, sharedPath } from "../../support/shared.ts";

/** Answers for each template and constraint; continuous integration sets more. */
const runs = Number(process.env["CONSTRAINED_RUNS"] ?? 16);
const reference = shared("golden", "chat-templates.json");
const model = useMarkupModel();

const templates = [
  { name: "Qwen-Qwen3-0.6B", openings: ["<think>"], closings: ["</think>"] },
  { name: "deepseek-ai-DeepSeek-R1-Distill-Qwen-32B", openings: ["<think>"], closings: ["</think>"] },
  { name: "openai-gpt-oss-120b", openings: ["<|channel|>", "<|start|>", "<|message|>"], closings: ["<|end|>"] },
];

/** How a request may say how long the model thinks. */
const thinking: Readonly<Record<string, Partial<ChatRequest>>> = {
  "as the template has it": {},
  "within a budget": { reasoningBudget: 6 },
  "switched on, within a budget": { reasoningBudget: 6, templateKwargs: { enable_thinking: true } },
  "switched on": { templateKwargs: { enable_thinking: true } },
  "by the effort low": { reasoningEffort: "low" },
  "by the effort high": { reasoningEffort: "high" },
  "by the effort none": { reasoningEffort: "none" },
  "with a budget of nothing": { reasoningBudget: 0 },
  "switched off": { templateKwargs: { enable_thinking: false } },
};

type Bias = readonly [token: number, bias: number];

/** What the model wants at every step, as biases of its ends, of what opens reasoning, and of what closes it. */
const wishes = [
  { end: 40, open: 20, close: 0 },
  { end: 10, open: 40, close: 12 },
  { end: 40, open: 40, close: 40 },
  { end: 0, open: 15, close: 14 },
];

/** Limits of an answer's tokens: most constraints need 15 to 40 of them. */
const limits = [400, 400, 24, 400, 8, 400, 60];

function biasesOf(
  template: (typeof templates)[number],
  { end, open, close }: (typeof wishes)[number],
): readonly Bias[] {
  const each = (texts: readonly string[], bias: number) => texts.map((text): Bias => [model.tokenOf(text), bias]);
  return [
    ...model.ends.map((token): Bias => [token, end]),
    ...each(template.openings, open),
    ...each(template.closings, close),
    // Without these a random object, or a list of calls, goes on for ever.
    ...each(["<｜tool▁calls▁end｜>"], 12),
    ...each(['"'], 12),
    ...each(["}"], 9),
  ];
}

describe.skipIf(!reference.isMet)(`constrained answers under published templates${reference.note}`, () => {
  describe.each(templates)("$name", (template) => {
    const figures = { runs: 0, met: 0 };
    let backend: Backend;
    beforeAll(async () => {
      const golden = JSON.parse(readFileSync(sharedPath("golden", "chat-templates.json"), "utf8")) as {
        templates: Record<string, { template: string }>;
      };
      const chatTemplate = golden.templates[template.name]!.template;
      const options = { parallel: 4, chatTemplate, contextSize: 2048 };
      backend = await createLlamaBackend(textSpec(model.path, options), testContext());
    });
    afterAll(async () => {
      if (process.env["CONSTRAINED_RUNS"] !== undefined) console.log(template.name, figures);
      await backend.dispose();
    });

    it.each([...Object.keys(constraintKinds).entries()])(
      "%i: meets %s or is cut off, however long it thinks and however much it wants to end",
      async (index, kind) => {
        const { request, isMet, isBegun } = constraintKinds[kind]!;
        const modes = Object.keys(thinking);
        const n = 4;
        let met = 0;
        for (let run = 0; run < runs; run += n) {
          // The constraints begin at different places of the tables, so that few runs meet all of their rows.
          const at = index * 5 + run / n;
          const mode = modes[at % modes.length]!;
          const maxTokens = limits[at % limits.length]!;
          const wish = wishes[at % wishes.length]!;
          const { choices } = await chat(backend, {
            ...request,
            ...thinking[mode],
            n,
            sampling: { temperature: 1.2, seed: 1000 + run, logitBias: biasesOf(template, wish) },
            limits: { maxTokens, stop: [] },
          });
          for (const choice of choices) {
            const shown = JSON.stringify({ kind, mode, maxTokens, wish, run, choice });
            if (choice.finish === "length") {
              expect(isBegun(choice), shown).toBe(true);
              continue;
            }
            met += 1;
            expect(choice.finish, shown).toBe(choice.calls.length > 0 ? "tool-calls" : "end-of-turn");
            expect(isMet(choice), shown).toBe(true);
          }
        }
        figures.runs += runs;
        figures.met += met;
        expect(met).toBeGreaterThan(0);
      },
      600_000,
    );
  });
});
