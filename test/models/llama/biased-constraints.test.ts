// The caller's biases beside a constraint: a ban holds as long as the constraint leaves another token, and the constraint is met where it
// leaves none.
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createLlamaBackend } from "../../../src/backends/llama/backend.ts";
import type { Backend } from "../../../src/domain/backend.ts";
import { constraintKinds } from "../../support/constrained-answers.ts";
import { chat, complete, testContext, textSpec } from "../../support/llama.ts";
import { useMarkupModel } from "../../support/markup-model.ts";

const model = useMarkupModel();
const template =
  "{%- for message in messages %}{{ message.content }}{%- endfor %}{{ '<|im_start|>assistant\\n' }}{{ '<think>' if enable_thinking }}";

type Bias = readonly [token: number, bias: number];

describe("a constraint beside banned tokens", () => {
  let backend: Backend;
  beforeAll(async () => {
    const options = { parallel: 2, family: "hermes", chatTemplate: template };
    backend = await createLlamaBackend(textSpec(model.path, options), testContext());
  });
  afterAll(() => backend.dispose());

  const every = (tokens: readonly number[]): Bias[] => tokens.map((token) => [token, -100]);
  const allTokens = Array.from({ length: model.size }, (_, token) => token);
  const bans: Readonly<Record<string, readonly Bias[]>> = {
    "that it needs": every(['"', "{", "}", "<tool_call>", "P", "s"].map((text) => model.tokenOf(text))),
    "that end an answer": every(model.ends),
    "that are all there are": every(allTokens),
  };

  it.each(Object.keys(bans).flatMap((ban) => Object.keys(constraintKinds).map((kind) => [kind, ban] as const)))(
    "is met, or cut off: %s, tokens %s",
    async (kind, ban) => {
      const { request, isMet, isBegun } = constraintKinds[kind]!;
      let met = 0;
      for (const sampling of [{ temperature: 0 }, { temperature: 1.3, seed: 3, topK: 20, topP: 0.9, minP: 0.05 }]) {
        for (const enable_thinking of [false, true]) {
          const { choices } = await chat(backend, {
            ...request,
            parallelToolCalls: false,
            templateKwargs: { enable_thinking },
            reasoningBudget: 4,
            n: 2,
            // Without the last two a random object goes on for ever.
            sampling: { ...sampling, logitBias: [[model.tokenOf("}"), 9], [model.tokenOf('"'), 12], ...bans[ban]!] },
            limits: { maxTokens: 400, stop: [] },
          });
          for (const choice of choices) {
            const shown = JSON.stringify({ sampling, enable_thinking, choice });
            expect(choice.finish === "length" ? isBegun(choice) : isMet(choice), shown).toBe(true);
            if (choice.finish !== "length") met += 1;
          }
        }
      }
      expect(met).toBeGreaterThan(0);
    },
  );

  it("leaves out what is banned as long as it may", async () => {
    const constraint = { type: "grammar", grammar: 'root ::= [ab]{40} "c"' } as const;
    const logitBias = every([model.tokenOf("a"), model.tokenOf("c")]);
    for (const temperature of [0, 2]) {
      const sampling = { temperature, seed: 1, logitBias };
      const { choices } = await complete(backend, { constraint, sampling, limits: { maxTokens: 60, stop: [] } });
      expect(choices[0]).toMatchObject({ text: `${"b".repeat(40)}c`, finish: "end-of-turn" });
    }
  });

  it("goes on where the end is banned and the grammar does not end", async () => {
    const constraint = { type: "grammar", grammar: "root ::= [ab]*" } as const;
    const sampling = { temperature: 1, seed: 1, logitBias: every(model.ends) };
    const { choices } = await complete(backend, { constraint, sampling, limits: { maxTokens: 60, stop: [] } });
    expect(choices[0]).toMatchObject({ finish: "length" });
  });
});

describe("a constraint that the vocabulary cannot write", () => {
  it("is cut off, and does not end as if it were met", async () => {
    const backend = await createLlamaBackend(textSpec(model.path), testContext());
    // The grammar leaves no token at all behind its first character: none has a NUL, nor is it the end.
    const constraint = { type: "grammar", grammar: 'root ::= "a" [\\x00] "b"' } as const;
    const { choices } = await complete(backend, { constraint, limits: { maxTokens: 60, stop: [] } });
    expect(choices[0]).toMatchObject({ text: "a", finish: "length" });
    await backend.dispose();
  });
});
