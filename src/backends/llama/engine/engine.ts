// The decode loop of one model. Every turn of the loop computes one batch: a token for every decoding sequence, then pieces of
// prompts. While it is computed, the receivers are told what the turn before sampled. The engine alone changes a sequence.
import { performance } from "node:perf_hooks";
import { ServerError } from "../../../domain/errors.ts";
import { Alarm } from "./alarm.ts";
import {
  sampleEarly,
  samplePart,
  scorePromptPart,
  withGrammar,
  type ComputedPart,
  type SampledToken,
} from "./batch-parts.ts";
import { planTurn, type BatchPlan } from "./plan/batch-plan.ts";
import { buildBatch } from "./build-batch.ts";
import { collectTurn } from "./collect-turn.ts";
import { DeliveryQueue } from "./queues/delivery-queue.ts";
import type { EngineOptions, Submission } from "./engine-options.ts";
import { continueSampler } from "./sampler-config.ts";
import type { Sequence, SequenceRequest } from "./sequence.ts";
import { Growth } from "./slots/growth.ts";
import type { Slot } from "./slots/slot.ts";
import { Slots } from "./slots/slots.ts";
import { WaitingQueue } from "./queues/waiting-queue.ts";

type Part = ComputedPart<Sequence>;

/** Time without a request after which long states are stored. */
const idleBeforeStoreMs = 2000;

/** Runs all sequences of one model on a fixed number of slots. */
export class Engine {
  readonly #options: EngineOptions;
  readonly #slots: Slots<Sequence>;
  readonly #growth: Growth<Sequence>;
  readonly #waiting: WaitingQueue;
  readonly #deliveries = new DeliveryQueue<Sequence>();
  readonly #alarm = new Alarm();
  #disposed = false;
  #hasPrompted = false;
  /** Something was computed since states were stored. */
  #hasUnstored = false;
  readonly #loop: Promise<void>;

  constructor(options: EngineOptions) {
    this.#options = options;
    this.#slots = new Slots(options);
    this.#growth = new Growth({ ...options, slots: this.#slots });
    this.#waiting = new WaitingQueue(options.maxQueue);
    this.#loop = this.#run();
  }

  /**
   * Queues the choices of one request; entries with the same `prompt` array share its evaluation.
   * @throws ServerError `overloaded` when all slots are taken and the queue is full; `shutting_down` after {@link dispose}
   */
  submit(requests: readonly SequenceRequest[]): Submission {
    if (this.#disposed) throw new ServerError("shutting_down", "The model is being unloaded.");
    const { all, idleCount, meanOccupancyMs } = this.#slots;
    const sequences = this.#waiting.add(requests, { slots: all.length, idle: idleCount, meanOccupancyMs });
    this.wake();
    return {
      sequences,
      cancel: () => {
        for (const sequence of sequences) sequence.isCancelled = true;
        this.wake();
      },
    };
  }

  /** Starts a turn if the loop sleeps. To be called when credit has come back to a receiver that was paused. */
  wake(): void {
    this.#alarm.ring();
  }

  /** Ends all sequences with `shutting_down`. Resolves when the loop no longer uses the context. */
  async dispose(): Promise<void> {
    this.#disposed = true;
    this.wake();
    await this.#loop;
  }

  async #run(): Promise<void> {
    await this.#slots.restoreLatest().catch(() => {});
    while (!this.#disposed) {
      this.#alarm.reset();
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
      if (this.#deliver() || this.#alarm.hasRung) continue;
      await this.#sleep();
    }
    this.#failAll(new ServerError("shutting_down", "The model is being unloaded."));
    await this.#slots.storeAll().catch(() => {});
  }

  /** Sleeps until woken. When nothing has come for a while states are stored, one at a time, then slots are given back. */
  async #sleep(): Promise<void> {
    const hasUnstored = this.#hasUnstored;
    const isLong = await this.#alarm.sleep(hasUnstored ? idleBeforeStoreMs : this.#growth.shrinkAfterMs);
    if (!isLong || this.#disposed) return;
    if (hasUnstored) this.#hasUnstored = await this.#slots.storeLongest().catch(() => false);
    else if (this.#slots.idleCount === this.#slots.all.length) await this.#growth.shrink();
  }

  /** Takes cancelled sequences out of the queue, and makes the slots of ended ones idle. */
  #releaseEnded(): void {
    for (const sequence of this.#waiting.dropCancelled()) sequence.end();
    for (const slot of this.#slots.all) {
      const { user } = slot;
      if (user !== undefined && (user.phase === "ended" || user.isCancelled)) this.#release(slot, user);
    }
  }

  #release(slot: Slot<Sequence>, sequence: Sequence): void {
    sequence.end();
    if (sequence.sampler !== undefined) this.#options.model.giveBackSampler(sequence.sampler);
    sequence.sampler = undefined;
    sequence.slot = undefined;
    const endedAt = sequence.endedAt as number;
    this.#slots.release(slot.id, { occupiedMs: endedAt - (sequence.startedAt ?? endedAt) });
  }

  async #startWaiting(): Promise<void> {
    await this.#growth.meet(this.#waiting.readyCount);
    while (this.#slots.idleCount > 0) {
      const sequence = this.#waiting.take();
      if (sequence === undefined) return;
      try {
        await this.#start(sequence);
      } catch (error) {
        this.#fail(sequence, error);
      }
    }
  }

  async #start(sequence: Sequence): Promise<void> {
    const { request } = sequence;
    sequence.phase = "prompt";
    sequence.startedAt = performance.now();
    const assigned = await this.#slots.assign(sequence);
    if (assigned === undefined) throw new Error("a sequence was started without an idle slot");
    sequence.slot = assigned.slot.id;
    sequence.cachedTokens = assigned.cachedTokens;
    if (request.maxNewTokens === 0) return;
    sequence.illFormed = this.#options.utf8?.bannedIn(0) ?? [];
    sequence.sampler = this.#options.model.takeSampler(withGrammar(request.sampler.config, sequence));
  }

  async #plan(): Promise<BatchPlan> {
    const { context, guesser, vocabularySize, reproducible } = this.#options;
    const { batchSize } = context;
    const { decoding, prompting } = collectTurn(this.#slots.all, { batchSize, vocabularySize });
    const guesses = await guesser?.guess(decoding);
    for (const [index, sequence] of decoding.entries()) sequence.guessed = guesses?.[index] ?? [];
    const steps = decoding.map(({ slot, guessed }) => ({ slot: slot as number, guesses: guessed.length }));
    return planTurn({ decoding: steps, prompting }, { batchSize, reproducible, hasPrompted: this.#hasPrompted });
  }

  async #step(plan: BatchPlan): Promise<void> {
    const { context, threads, reproducible, apart } = this.#options;
    this.#hasPrompted = plan.prompting.length > 0;
    const kind = { reads: this.#hasPrompted, tokens: plan.total };
    const threadCount = threads.next(kind);
    context.setThreads(threadCount);
    const batch = buildBatch(plan, { context, slots: this.#slots, reproducible, apart });
    this.#hasUnstored = true;
    const startedAt = performance.now();
    const decoded = context.decode();
    const parts: Part[] = batch.parts.map((part) => ({ ...part, early: sampleEarly(context, part) }));
    this.#deliver();
    try {
      await decoded.finally(() => {
        for (const filler of batch.fillers) this.#slots.dropFiller(filler);
      });
    } catch (error) {
      for (const part of parts) {
        await part.early?.catch(() => {});
        this.#failPart(part, error);
      }
      return;
    }
    threads.record(kind, { threads: threadCount, ms: performance.now() - startedAt });
    for (const { slot, tokens } of parts) await this.#slots.append(slot.id, tokens);
    await Promise.all(
      parts.map((part) => this.#finishPart(part).catch((error: unknown) => this.#failPart(part, error))),
    );
  }

  async #finishPart(part: Part): Promise<void> {
    const { sequence, slot } = part;
    const { request } = sequence;
    // A receiver may have ended the sequence, or a caller cancelled it, while the batch was computed: its logits are of no use.
    if (sequence.phase === "ended" || sequence.isCancelled) {
      await part.early?.catch(() => {});
      return;
    }
    if (sequence.phase === "prompt") {
      if (request.scorePrompt) sequence.promptScores.push(...(await scorePromptPart(this.#options.context, part)));
      if (!part.finishesPrompt) return;
      sequence.promptDoneAt = performance.now();
      sequence.phase = "decoding";
      request.receiver.onPrompt((sequence.leader ?? sequence).promptScores);
      if (request.maxNewTokens === 0) {
        sequence.end();
        this.#deliveries.push({ sequence, token: undefined, score: undefined, end: "length" });
        return;
      }
    }
    const { accepted, rejected } = await samplePart(part, {
      context: this.#options.context,
      isRejected: (token) => this.#openGate(sequence, token),
      take: (sampled) => this.#take(sequence, sampled),
    });
    if (accepted + rejected === 0) return;
    sequence.acceptedGuesses += accepted;
    sequence.rejectedGuesses += rejected;
    this.#slots.trim(slot.id, slot.tokens.length - rejected);
  }

  /** Makes a sampled token the sequence's next one, or ends the sequence; false where it ended. */
  #take(sequence: Sequence, { token, score }: SampledToken): boolean {
    const { request, generated } = sequence;
    if (token >= 0) generated.push(token);
    if (token < 0 || this.#options.isEndOfGeneration(token)) {
      sequence.end();
      // Behind the last character of a grammar an end token may follow: without any token the answer breaks off before it is whole.
      const end = token < 0 && sequence.grammar?.state !== undefined ? "length" : "end-token";
      this.#deliveries.push({ sequence, token: undefined, score: undefined, end });
      return false;
    }
    if (generated.length >= request.maxNewTokens) {
      sequence.end();
      this.#deliveries.push({ sequence, token, score, end: "length" });
      return false;
    }
    sequence.nextToken = token;
    this.#deliveries.push({ sequence, token, score, end: undefined });
    const isOtherBan = sequence.followBytes(token, this.#options.utf8) && sequence.grammar?.state !== undefined;
    if (request.sampler.generatedPenalty !== undefined || isOtherBan) {
      const config = continueSampler(request.sampler, { prompt: request.prompt, generated });
      sequence.sampler?.applyConfig(withGrammar(config, sequence));
    }
    return true;
  }

  /** Asks the gate what constrains the answer after this token; true when it wants another token in its place. */
  #openGate(sequence: Sequence, token: number): boolean {
    const { gate, prompt, sampler: plan } = sequence.request;
    if (gate === undefined || gate.settled) return false;
    const opened = gate.next(token);
    if (opened === undefined) return false;
    sequence.grammar = opened.grammar;
    // The token counts for the penalties unless another one takes its place.
    const generated = opened.again ? sequence.generated : [...sequence.generated, token];
    sequence.sampler?.applyConfig(withGrammar(continueSampler(plan, { prompt, generated }), sequence));
    return opened.again;
  }

  /** Tells receivers what was sampled; false when there was nothing to tell. */
  #deliver(): boolean {
    return this.#deliveries.flush((sequence) => {
      sequence.isDelivered = true;
      sequence.end();
    });
  }

  /** What a slot holds after a failed computation is unknown, so it is emptied. */
  #failPart({ slot, sequence }: Part, error: unknown): void {
    this.#slots.forget(slot.id);
    this.#fail(sequence, error);
  }

  #failAll(error: unknown): void {
    this.#deliver();
    for (const sequence of this.#waiting.takeAll()) this.#fail(sequence, error);
    for (const slot of this.#slots.all.filter(({ user }) => user !== undefined)) {
      const user = slot.user as Sequence;
      this.#slots.forget(slot.id);
      this.#fail(user, error);
      this.#release(slot, user);
    }
  }

  #fail(sequence: Sequence, error: unknown): void {
    sequence.end();
    if (sequence.isCancelled || sequence.isDelivered) return;
    sequence.isDelivered = true;
    sequence.request.receiver.onError(error);
  }
}
