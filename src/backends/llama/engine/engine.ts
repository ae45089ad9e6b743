// The decode loop of one model. Every turn is one batch: a token for every generating sequence, then pieces of prompts.
// What was sampled in the turn before is turned into text while the batch is being computed.
import { performance } from "node:perf_hooks";
import { ServerError } from "../../../domain/errors.ts";
import type { NativeModelHandle } from "../native/model.ts";
import type { NativeContextHandle } from "../native/context.ts";
import {
  addFiller,
  addPart,
  sampleEarly,
  samplePart,
  scorePromptPart,
  withGrammar,
  type BatchPart,
  type SampledToken,
} from "./batch-parts.ts";
import { planBatch, type BatchPlan } from "./batch-plan.ts";
import { DeliveryQueue } from "./delivery-queue.ts";
import { Generation, type GenerationRequest } from "./sequence.ts";
import type { Guesser } from "./guesser.ts";
import { withGeneratedPenalty } from "./sampler-config.ts";
import { arrangeBatch } from "./batch-order.ts";
import type { SequenceSlots, Slot } from "./slots/slots.ts";

export interface EngineOptions {
  readonly model: NativeModelHandle;
  readonly context: NativeContextHandle;
  readonly slots: SequenceSlots;
  readonly isEndOfGeneration: (token: number) => boolean;
  readonly vocabularySize: number;
  /** Requests that may wait for a sequence. */
  readonly maxQueue: number;
  readonly threads: { readonly decode: number; readonly prompt: number };
  readonly guesser: Guesser | undefined;
}

/** Logits of scored prompts are held for a whole batch: so many floats at most. */
const maximumScoredLogits = 8 * 1024 * 1024;

/** Runs all choices of one model on a fixed number of sequences. */
export class Engine {
  readonly #options: EngineOptions;
  readonly #slots: SequenceSlots;
  readonly #waiting: Generation[] = [];
  readonly #deliveries = new DeliveryQueue();
  #wake: (() => void) | undefined;
  /** Something happened since the turn began, so it must not end in sleep. */
  #stirred = false;
  #disposed = false;
  readonly #loop: Promise<void>;

  constructor(options: EngineOptions) {
    this.#options = options;
    this.#slots = options.slots;
    this.#loop = this.#run();
  }

  /**
   * Queues the choices of one request; entries with the same `prompt` array share its evaluation.
   * @throws ServerError `overloaded` when all sequences are taken and the queue is full.
   */
  submit(requests: readonly GenerationRequest[]): Generation[] {
    if (this.#disposed) throw new ServerError("shutting_down", "The model is being unloaded.");
    this.#refuseWhenFull();
    const leaders = new Map<readonly number[], Generation>();
    const generations = requests.map((request) => {
      const generation = new Generation(request, leaders.get(request.prompt));
      if (generation.leader === undefined) leaders.set(request.prompt, generation);
      return generation;
    });
    this.#waiting.push(...generations);
    this.wake();
    return generations;
  }

  /** Frees the choice's sequence before the next batch; its receiver hears nothing more. */
  cancel(generation: Generation): void {
    generation.cancelled = true;
    this.wake();
  }

  /** To be called when a receiver that was full can take tokens again. */
  wake(): void {
    this.#stirred = true;
    const wake = this.#wake;
    this.#wake = undefined;
    wake?.();
  }

  /** Ends everything that runs with `shutting_down`. Resolves when the loop has let go of the context. */
  async dispose(): Promise<void> {
    this.#disposed = true;
    this.wake();
    await this.#loop;
  }

  #refuseWhenFull(): void {
    // The choices of one request count as one: who asks for more of them than there are slots only queues behind himself.
    const waiting = this.#waiting.filter(
      (generation) => generation.leader === undefined && !generation.cancelled,
    ).length;
    if (waiting < this.#options.maxQueue + this.#slots.idleCount) return;
    const { meanOccupancyMs, all } = this.#slots;
    throw new ServerError("overloaded", {
      message: `The model is busy: ${waiting} requests are waiting already. Please try again later.`,
      retryAfterSeconds: Math.max(1, Math.ceil(((waiting + 1) * meanOccupancyMs) / all.length / 1000)),
    });
  }

  async #run(): Promise<void> {
    while (!this.#disposed) {
      this.#stirred = false;
      this.#releaseEnded();
      try {
        await this.#startWaiting();
        const plan = await this.#plan();
        if (plan.total > 0) {
          await this.#step(plan);
          continue;
        }
      } catch (error) {
        this.#failAll(error);
        continue;
      }
      if (this.#deliveries.flush() || this.#stirred) continue;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    this.#failAll(new ServerError("shutting_down", "The model is being unloaded."));
  }

  /** Cancelled choices leave the queue, and slots of choices that are over become idle. */
  #releaseEnded(): void {
    for (let index = this.#waiting.length - 1; index >= 0; index -= 1) {
      const generation = this.#waiting[index] as Generation;
      if (!generation.cancelled) continue;
      generation.phase = "ended";
      this.#waiting.splice(index, 1);
    }
    for (const slot of this.#slots.all) {
      const { generation } = slot;
      if (generation !== undefined && (generation.phase === "ended" || generation.cancelled)) this.#slots.release(slot);
    }
  }

  async #startWaiting(): Promise<void> {
    for (let index = 0; index < this.#waiting.length && this.#slots.idleCount > 0;) {
      const generation = this.#waiting[index] as Generation;
      if (!generation.isReadyToStart) {
        index += 1;
        continue;
      }
      this.#waiting.splice(index, 1);
      try {
        await this.#slots.assign(generation);
        if (generation.request.maxNewTokens === 0) continue;
        const config = withGrammar(generation.request.sampler.config, generation.grammar);
        generation.sampler = this.#options.model.createSampler(config);
      } catch (error) {
        this.#fail(generation, error);
      }
    }
  }

  async #plan(): Promise<BatchPlan> {
    const { context, guesser, vocabularySize } = this.#options;
    const decoding: Generation[] = [];
    const prompting: { slot: number; remaining: number; limit: number; startedAt: number }[] = [];
    for (const { generation, id, tokens } of this.#slots.all) {
      if (generation === undefined || generation.cancelled) continue;
      if (generation.phase === "decoding" && !generation.request.receiver.isFull) decoding.push(generation);
      if (generation.phase !== "prompt") continue;
      const limit = generation.request.scorePrompt
        ? Math.max(1, Math.floor(maximumScoredLogits / vocabularySize))
        : context.batchSize;
      const remaining = generation.promptLength - tokens.length;
      prompting.push({ slot: id, remaining, limit, startedAt: generation.startedAt ?? 0 });
    }
    if (guesser !== undefined) await guesser.guess(decoding);
    prompting.sort((first, second) => first.startedAt - second.startedAt);
    const steps = decoding.map(({ slot, guessed }) => ({ slot: slot as number, guesses: guessed.length }));
    return planBatch({ decoding: steps, prompting }, context.batchSize);
  }

  async #step(plan: BatchPlan): Promise<void> {
    const { context, threads } = this.#options;
    context.setThreads(plan.prompting.length > 0 ? threads.prompt : threads.decode);
    const entries = arrangeBatch(plan, {
      room: context.batchSize - plan.total,
      isFillable: (slot) => this.#slots.canFill(this.#slots.get(slot)),
    });
    context.beginBatch(entries.reduce((total, { count }) => total + count, 0));
    const parts: BatchPart[] = [];
    const fillers: Slot[] = [];
    for (const { slot: id, count, isFiller } of entries) {
      const slot = this.#slots.get(id);
      if (isFiller) {
        addFiller(context, slot);
        fillers.push(slot);
      } else parts.push(addPart(context, slot, count));
    }
    const decoded = context.decode();
    for (const part of parts) sampleEarly(context, part);
    this.#deliveries.flush();
    try {
      await decoded.finally(() => {
        for (const slot of fillers) this.#slots.dropFiller(slot);
      });
    } catch (error) {
      for (const part of parts) this.#failPart(part, error);
      return;
    }
    for (const { slot, tokens } of parts) for (const token of tokens) slot.tokens.push(token);
    await Promise.all(
      parts.map((part) => this.#finishPart(part).catch((error: unknown) => this.#failPart(part, error))),
    );
  }

  async #finishPart(part: BatchPart): Promise<void> {
    const { generation } = part;
    const { context } = this.#options;
    const { request } = generation;
    // A receiver may have ended the choice while the batch was computed: then what was computed for it is of no use.
    if (generation.phase === "ended" || generation.cancelled) {
      await part.early?.catch(() => {});
      return;
    }
    if (generation.phase === "prompt") {
      if (request.scorePrompt) generation.promptScores.push(...(await scorePromptPart(context, part)));
      if (!part.finishesPrompt) return;
      generation.promptDoneAt = performance.now();
      generation.phase = "decoding";
      request.receiver.onPrompt((generation.leader ?? generation).promptScores);
      if (request.maxNewTokens === 0) {
        this.#deliveries.end(generation, { reason: "length" });
        return;
      }
    }
    await samplePart(part, { context, slots: this.#slots, take: (sampled) => this.#take(generation, sampled) });
  }

  /** A sampled token is the choice's next one, or its end; false for the end. */
  #take(generation: Generation, { token, score }: SampledToken): boolean {
    const { request, generated } = generation;
    if (token >= 0) generated.push(token);
    if (token < 0 || this.#options.isEndOfGeneration(token)) {
      this.#deliveries.end(generation, { reason: "end-token" });
      return false;
    }
    if (generated.length >= request.maxNewTokens) {
      this.#deliveries.end(generation, { reason: "length", last: { token, score } });
      return false;
    }
    generation.nextToken = token;
    this.#deliveries.token(generation, { token, score });
    if (request.sampler.generatedPenalty !== undefined) {
      const config = withGeneratedPenalty(request.sampler, { prompt: request.prompt, generated });
      generation.sampler?.applyConfig(withGrammar(config, generation.grammar));
    }
    return true;
  }

  /** The computation failed: the sequence holds nobody knows what. */
  #failPart({ slot, generation }: BatchPart, error: unknown): void {
    this.#slots.forget(slot);
    this.#fail(generation, error);
  }

  #failAll(error: unknown): void {
    this.#deliveries.flush();
    for (const generation of this.#waiting.splice(0)) this.#fail(generation, error);
    for (const slot of this.#slots.all) {
      if (slot.generation === undefined) continue;
      this.#slots.forget(slot);
      this.#fail(slot.generation, error);
      this.#slots.release(slot);
    }
  }

  #fail(generation: Generation, error: unknown): void {
    generation.phase = "ended";
    if (generation.cancelled || generation.receiverDone) return;
    generation.receiverDone = true;
    generation.request.receiver.onError(error);
  }
}
