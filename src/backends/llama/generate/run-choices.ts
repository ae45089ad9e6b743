// What chat and completion have in common: choices go to the engine, their events come back through one buffer, and the
// request ends with its usage. A reader who leaves takes the choices out of the engine.
import { performance } from "node:perf_hooks";
import type { TextEvent, TextTimings, TextUsage } from "../../../domain/text.ts";
import { onAbort } from "../../../util/abort.ts";
import type { Engine } from "../engine/engine.ts";
import { EventBuffer } from "./event-buffer.ts";
import type { Generation, GenerationRequest } from "../engine/sequence.ts";

export interface TextRun {
  /** Makes the choices' requests; they push their events into `buffer` and call `finished` once each. */
  readonly choices: (buffer: EventBuffer, finished: () => void) => readonly GenerationRequest[];
  /** Tokens of all prompts, each counted once. */
  readonly promptTokens: number;
  readonly reasoningTokens: () => number;
  /** Events after the last choice has ended and before the usage. */
  readonly conclude?: (generations: readonly Generation[]) => readonly TextEvent[];
}

/** @throws ServerError `overloaded` before the first event; the signal's reason when it aborts. */
export async function* runText(
  engine: Engine,
  run: TextRun,
  signal: AbortSignal,
): AsyncGenerator<TextEvent, void, undefined> {
  signal.throwIfAborted();
  const buffer = new EventBuffer(() => engine.wake());
  let open = 0;
  let generations: readonly Generation[] = [];
  const finished = (): void => {
    open -= 1;
    if (open > 0) return;
    for (const event of run.conclude?.(generations) ?? []) buffer.push(event);
    buffer.push({ type: "usage", usage: sumUsage(run, generations), timings: measure(generations) });
    buffer.end();
  };
  const requests = run.choices(buffer, finished);
  open = requests.length;
  generations = engine.submit(requests);
  const leave = (reason: unknown): void => {
    for (const generation of generations) engine.cancel(generation);
    buffer.abandon(reason);
  };
  const unsubscribe = onAbort(signal, () => leave(signal.reason));
  try {
    yield { type: "accepted", promptTokens: run.promptTokens };
    yield* buffer;
  } finally {
    unsubscribe();
    if (open > 0) leave(undefined);
  }
}

function sumUsage(run: TextRun, generations: readonly Generation[]): TextUsage {
  const total = (count: (generation: Generation) => number): number =>
    generations.reduce((sum, generation) => sum + count(generation), 0);
  return {
    promptTokens: run.promptTokens,
    // A choice that shares its prompt with another one did not save the caller a second evaluation of it.
    cachedTokens: total((generation) => (generation.leader === undefined ? generation.cachedTokens : 0)),
    completionTokens: total((generation) => generation.generated.length),
    reasoningTokens: run.reasoningTokens(),
    acceptedPredictionTokens: total((generation) => generation.acceptedGuesses),
    rejectedPredictionTokens: total((generation) => generation.rejectedGuesses),
  };
}

/** Queue until the first choice starts, prompt until its first token, decode until the last choice ends. */
function measure(generations: readonly Generation[]): TextTimings {
  const now = performance.now();
  const earliest = (time: (generation: Generation) => number | undefined): number =>
    generations.reduce((least, generation) => Math.min(least, time(generation) ?? now), now);
  const submitted = earliest((generation) => generation.submittedAt);
  const started = earliest((generation) => generation.startedAt);
  const read = earliest((generation) => generation.promptDoneAt);
  return { queueMs: started - submitted, promptMs: Math.max(0, read - started), decodeMs: Math.max(0, now - read) };
}
