// Runs the choices of a chat or a completion: submits them to the engine, lets them write their events to the sink, and ends with
// usage and the time of each phase. When the caller leaves, the choices are taken out of the engine.
import { performance } from "node:perf_hooks";
import type { Call, EventSink } from "../../../domain/backend.ts";
import type { TextEvent, TextTimings, TextUsage } from "../../../domain/text.ts";
import { onAbort } from "../../../util/abort.ts";
import type { Engine } from "../engine/engine.ts";
import type { SequenceRequest, SequenceView } from "../engine/sequence.ts";

/** What a choice's receiver writes to, and how it reports its end. */
export interface ChoiceOutlet {
  readonly sink: EventSink<TextEvent>;
  /** To be called once by every choice, after its last event. */
  readonly finished: () => void;
  /** Ends the whole request. */
  readonly failed: (error: unknown) => void;
}

export interface ChoicesRun {
  readonly choices: (outlet: ChoiceOutlet) => readonly SequenceRequest[];
  /** Tokens of all prompts, each counted once. */
  readonly promptTokens: number;
  /** When the request arrived, in milliseconds of the process's clock. */
  readonly arrivedAt: number;
  /** What of the request is not held, for the caller. */
  readonly warnings: readonly string[];
  readonly reasoningTokens: () => number;
  /** Pushes what comes after the last choice has ended and before the usage. */
  readonly conclude?: () => void;
}

/**
 * Resolves when the last event is in the sink.
 * @throws ServerError `overloaded` before the first event; the signal's reason when it aborts
 */
export async function runChoices(engine: Engine, run: ChoicesRun, { sink, signal }: Call<TextEvent>): Promise<void> {
  signal.throwIfAborted();
  let resolve!: () => void;
  let reject!: (error: unknown) => void;
  const over = new Promise<void>((onResolve, onReject) => {
    resolve = onResolve;
    reject = onReject;
  });
  const requests = run.choices({
    sink,
    finished: () => {
      open -= 1;
      if (open === 0) resolve();
    },
    failed: (error) => reject(error),
  });
  let open = requests.length;
  const submission = engine.submit(requests);
  // This comes before any event of a choice: the engine's loop goes on, and tells receivers, at the next await at the earliest.
  const { promptTokens, warnings } = run;
  sink.push({ type: "accepted", promptTokens, ...(warnings.length === 0 ? {} : { warnings }) });
  sink.onCredit(() => engine.wake());
  const unsubscribe = onAbort(signal, () => reject(signal.reason));
  try {
    await over;
  } catch (error) {
    submission.cancel();
    throw error;
  } finally {
    unsubscribe();
  }
  run.conclude?.();
  const { sequences } = submission;
  sink.push({ type: "finish", usage: sumUsage(run, sequences), timings: measure(run, sequences) });
}

function sumUsage(run: ChoicesRun, sequences: readonly SequenceView[]): TextUsage {
  const total = (count: (sequence: SequenceView) => number): number =>
    sequences.reduce((sum, sequence) => sum + count(sequence), 0);
  return {
    promptTokens: run.promptTokens,
    // A choice that shares its prompt with another one did not save the caller a second evaluation of it.
    cachedTokens: total((sequence) => (sequence.leader === undefined ? sequence.cachedTokens : 0)),
    completionTokens: total((sequence) => sequence.generated.length),
    reasoningTokens: run.reasoningTokens(),
    acceptedPredictionTokens: total((sequence) => sequence.acceptedGuesses),
    rejectedPredictionTokens: total((sequence) => sequence.rejectedGuesses),
  };
}

/** Queueing lasts until the first choice has a slot, the prompt until it is evaluated for one, decoding until the last has ended. */
function measure(run: ChoicesRun, sequences: readonly SequenceView[]): TextTimings {
  const now = performance.now();
  const earliest = (time: (sequence: SequenceView) => number | undefined): number =>
    sequences.reduce((least, sequence) => Math.min(least, time(sequence) ?? now), now);
  const submitted = earliest((sequence) => sequence.submittedAt);
  const started = earliest((sequence) => sequence.startedAt);
  const read = earliest((sequence) => sequence.promptDoneAt);
  return {
    tokenizeMs: submitted - run.arrivedAt,
    queueMs: started - submitted,
    promptMs: Math.max(0, read - started),
    decodeMs: Math.max(0, now - read),
  };
}
