// The completion operation: several prompts as text or token ids, echo, log-probabilities of prompt and answer, the best of several
// candidates. completion-prompt.ts makes the tokens of each prompt.
import { randomInt } from "node:crypto";
import { performance } from "node:perf_hooks";
import type { Call } from "../../../domain/backend.ts";
import type { CompletionRequest } from "../../../domain/completion.ts";
import type { TextEvent } from "../../../domain/text.ts";
import { choiceSeed, planSampler } from "../engine/sampler-config.ts";
import type { SequenceRequest } from "../engine/sequence.ts";
import { CompletionOutput } from "./completion-output.ts";
import { preparePrompts } from "./completion-prompt.ts";
import { runChoices, type ChoiceOutlet } from "./run-choices.ts";
import type { TextModel } from "./text-model.ts";

/** Runs a completion request. Choice i is number i % n of prompt floor(i / n). */
export async function runCompletion(
  model: TextModel,
  request: CompletionRequest,
  call: Call<TextEvent>,
): Promise<void> {
  const arrivedAt = performance.now();
  const { signal } = call;
  const prompts = await preparePrompts(model, { request, signal });
  model.assertSampling(request.sampling);
  const warnings: string[] = [];
  const createGrammar = await model.compileConstraint(request.constraint, { signal, warnings });
  const candidates = Math.max(request.n, request.bestOf);
  const picksBest = candidates > request.n;
  const seed = request.sampling.seed ?? randomInt(2 ** 32 - 1);
  const outputs: CompletionOutput[] = [];

  const choices = (outlet: ChoiceOutlet): SequenceRequest[] =>
    prompts.flatMap((prompt, promptIndex) => {
      const { tokens } = prompt;
      return Array.from({ length: candidates }, (_, candidate) => {
        const output = new CompletionOutput({
          request,
          prompt,
          vocabulary: model.vocabulary,
          outlet,
          choice: picksBest ? undefined : promptIndex * request.n + candidate,
        });
        outputs.push(output);
        const grammar = createGrammar?.();
        return {
          prompt: tokens,
          maxNewTokens: prompt.maxNewTokens,
          sampler: planSampler({
            sampling: request.sampling,
            defaults: model.options.defaults,
            prompt: tokens,
            seed: choiceSeed(seed, candidate),
            contextSize: model.contextSize,
          }),
          ...(grammar === undefined ? {} : { grammar }),
          ...(request.topLogprobs !== null || picksBest ? { topCount: request.topLogprobs ?? 0 } : {}),
          scorePrompt: request.echo && request.topLogprobs !== null && candidate === 0,
          guesses: model.guesses,
          receiver: output,
        };
      });
    });

  await runChoices(
    model.engine,
    {
      choices,
      promptTokens: prompts.reduce((sum, prompt) => sum + prompt.tokens.length, 0),
      arrivedAt,
      warnings,
      reasoningTokens: () => 0,
      ...(picksBest ? { conclude: () => writeBest(outputs, { candidates, n: request.n }) } : {}),
    },
    call,
  );
}

/** Writes the `n` candidates of every prompt with the highest mean log-probability, numbered from the highest on. */
function writeBest(
  outputs: readonly CompletionOutput[],
  { candidates, n }: { readonly candidates: number; readonly n: number },
): void {
  for (let first = 0; first < outputs.length; first += candidates) {
    const best = outputs
      .slice(first, first + candidates)
      .toSorted((one, other) => other.meanLogprob - one.meanLogprob)
      .slice(0, n);
    const firstChoice = (first / candidates) * n;
    for (const [index, output] of best.entries()) output.writeAs(firstChoice + index);
  }
}
