// The decode loop of one model. Every turn is one batch: a token for every generating sequence, then pieces of prompts.
// What was sampled in the turn before is turned into text while the batch is being computed.
import { performance } from "node:perf_hooks";
import { ServerError } from "../../domain/errors.ts";
import type {
  NativeContextHandle,
  NativeGrammarState,
  NativeModelHandle,
  NativeSampler,
  NativeSamplerConfig,
  TokenScore,
} from "./adapter.ts";
import { planBatch, type BatchPlan } from "./batch-plan.ts";
import { Generation, type EndReason, type GenerationRequest } from "./generation.ts";
import type { Guesser } from "./guesser.ts";
import type { PrefixStore } from "./prefix-store.ts";
import { withGeneratedPenalty } from "./sampler-config.ts";
import { chooseSlot } from "./slots.ts";

export interface EngineOptions {
  readonly model: NativeModelHandle;
  readonly context: NativeContextHandle;
  readonly isEndOfGeneration: (token: number) => boolean;
  readonly vocabularySize: number;
  readonly parallel: number;
  readonly maxQueue: number;
  readonly threads: { readonly decode: number; readonly prompt: number };
  readonly canTrim: boolean;
  readonly prefixStore: PrefixStore | undefined;
  readonly guesser: Guesser | undefined;
}

interface Slot {
  readonly id: number;
  /** What the KV cache of the sequence holds. */
  tokens: number[];
  generation: Generation | undefined;
  lastUsed: number;
}

/** Tokens of one sequence in the batch that is being computed. */
interface BatchPart {
  readonly slot: Slot;
  readonly generation: Generation;
  readonly tokens: Uint32Array;
  /** Places in the batch whose logits were asked for. */
  readonly logits: Uint32Array;
  readonly finishesPrompt: boolean;
  /** The token sampled after this part, when it could be handed over together with the decode. */
  early: Promise<number> | undefined;
}

interface Delivery {
  readonly generation: Generation;
  readonly token: number | undefined;
  readonly score: TokenScore | undefined;
  readonly end: EndReason | undefined;
}

/** A copied prefix has to save at least so many tokens of evaluation. */
const minimumCopiedTokens = 64;

/** Logits of scored prompts are held for a whole batch: so many floats at most. */
const maximumScoredLogits = 8 * 1024 * 1024;

/** Runs all choices of one model on a fixed number of sequences. */
export class Engine {
  readonly #options: EngineOptions;
  readonly #slots: Slot[];
  readonly #waiting: Generation[] = [];
  #deliveries: Delivery[] = [];
  #clock = 0;
  #wake: (() => void) | undefined;
  /** Something happened since the turn began, so it must not end in sleep. */
  #stirred = false;
  #disposed = false;
  readonly #loop: Promise<void>;
  /** Running mean of how long a choice occupies its slot, for `retry-after`. */
  #meanOccupancyMs = 1000;

  constructor(options: EngineOptions) {
    this.#options = options;
    this.#slots = Array.from({ length: options.parallel }, (_, id) => ({
      id,
      tokens: [],
      generation: undefined,
      lastUsed: 0,
    }));
    this.#loop = this.#run();
  }

  /** Choices that wait for a sequence, and sequences in use. */
  get load(): { readonly waiting: number; readonly running: number } {
    return { waiting: this.#waiting.length, running: this.#slots.filter((slot) => slot.generation).length };
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
    const { maxQueue, parallel } = this.#options;
    if (this.#slots.some((slot) => slot.generation === undefined) && this.#waiting.length === 0) return;
    // The choices of one request count as one: a caller who asks for more of them than there are slots only queues behind itself.
    const waitingRequests = this.#waiting.filter((generation) => generation.leader === undefined).length;
    if (waitingRequests < maxQueue) return;
    const retryAfterSeconds = Math.max(1, Math.ceil(((waitingRequests + 1) * this.#meanOccupancyMs) / parallel / 1000));
    throw new ServerError("overloaded", {
      message: `The model is busy: ${waitingRequests} requests are waiting already. Please try again later.`,
      retryAfterSeconds,
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
      if (this.#deliver() || this.#stirred) continue;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    this.#failAll(new ServerError("shutting_down", "The model is being unloaded."));
  }

  /** Cancelled choices leave the queue, and slots of choices that are over become idle. */
  #releaseEnded(): void {
    for (let index = this.#waiting.length - 1; index >= 0; index -= 1) {
      if (this.#waiting[index]?.cancelled !== true) continue;
      this.#waiting[index]!.phase = "ended";
      this.#waiting.splice(index, 1);
    }
    for (const slot of this.#slots) {
      const generation = slot.generation;
      if (generation === undefined || (generation.phase !== "ended" && !generation.cancelled)) continue;
      this.#release(slot, generation);
    }
  }

  #release(slot: Slot, generation: Generation): void {
    generation.phase = "ended";
    generation.endedAt ??= performance.now();
    generation.sampler?.dispose();
    generation.sampler = undefined;
    generation.slot = undefined;
    slot.generation = undefined;
    slot.lastUsed = this.#clock += 1;
    const occupiedMs = generation.endedAt - (generation.startedAt ?? generation.endedAt);
    this.#meanOccupancyMs += (occupiedMs - this.#meanOccupancyMs) / 8;
  }

  async #startWaiting(): Promise<void> {
    for (let index = 0; index < this.#waiting.length;) {
      const generation = this.#waiting[index] as Generation;
      if (!generation.isReadyToStart) {
        index += 1;
        continue;
      }
      if (!(await this.#start(generation))) return;
      this.#waiting.splice(this.#waiting.indexOf(generation), 1);
    }
  }

  /** False when no slot is idle. */
  async #start(generation: Generation): Promise<boolean> {
    const { context, canTrim, model, prefixStore } = this.#options;
    const { request } = generation;
    const choice = chooseSlot(
      this.#slots.map((slot) => ({
        id: slot.id,
        tokens: slot.tokens,
        busy: slot.generation !== undefined,
        lastUsed: slot.lastUsed,
      })),
      {
        prompt: request.prompt,
        canTrim,
        mayReuse: !request.scorePrompt,
        minimumCopiedTokens: generation.leader === undefined ? minimumCopiedTokens : 1,
      },
    );
    if (choice === undefined) return false;
    const slot = this.#slots[choice.slot] as Slot;
    slot.generation = generation;
    generation.slot = slot.id;
    generation.phase = "prompt";
    generation.startedAt = performance.now();
    let { keep } = choice;
    if (prefixStore !== undefined) await prefixStore.keep(slot, { keep, copies: choice.copyFrom !== null });
    if (choice.copyFrom !== null) {
      const source = this.#slots[choice.copyFrom] as Slot;
      await context.copy(slot.id, source.id);
      slot.tokens = source.tokens.slice();
    }
    if (prefixStore !== undefined && canTrim && !request.scorePrompt) {
      const restored = await prefixStore.restore(slot, { prompt: request.prompt, longerThan: keep });
      keep = Math.max(keep, Math.min(restored, request.prompt.length - 1));
    }
    if (slot.tokens.length > keep) {
      if (keep > 0 && context.trim(slot.id, keep)) {
        slot.tokens.length = keep;
      } else {
        context.clear(slot.id);
        slot.tokens = [];
        keep = 0;
      }
    }
    generation.cachedTokens = keep;
    if (request.maxNewTokens > 0) {
      generation.sampler = model.createSampler(withGrammar(request.sampler.config, generation.grammar));
    }
    return true;
  }

  async #plan(): Promise<BatchPlan> {
    const { context, guesser, vocabularySize } = this.#options;
    const decoding: Generation[] = [];
    const prompting: { slot: number; remaining: number; limit: number; startedAt: number }[] = [];
    for (const { generation, id, tokens } of this.#slots) {
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
    return planBatch(
      {
        decoding: decoding.map(({ slot, guessed }) => ({ slot: slot as number, guesses: guessed.length })),
        prompting,
      },
      context.batchSize,
    );
  }

  async #step(plan: BatchPlan): Promise<void> {
    const { context, threads } = this.#options;
    context.setThreads(plan.prompting.length > 0 ? threads.prompt : threads.decode);
    context.beginBatch(plan.total);
    const parts: BatchPart[] = [];
    for (const { slot, count } of plan.decoding) parts.push(this.#addDecoding(this.#slots[slot] as Slot, count));
    for (const { slot, count } of plan.prompting) parts.push(this.#addPrompt(this.#slots[slot] as Slot, count));
    const decoded = context.decode();
    // A sequence with one wanted token is sampled right behind the decode, without a round trip through this thread.
    for (const part of parts) {
      const { generation, logits } = part;
      if (logits.length !== 1 || generation.request.maxNewTokens === 0 || generation.sampler === undefined) continue;
      if (generation.request.scorePrompt && generation.phase === "prompt") continue;
      part.early = context.sample(logits[0] as number, generation.sampler);
      part.early.catch(() => {});
    }
    this.#deliver();
    try {
      await decoded;
    } catch (error) {
      this.#failParts(parts, error);
      return;
    }
    for (const { slot, tokens } of parts) for (const token of tokens) slot.tokens.push(token);
    await Promise.all(
      parts.map((part) => this.#finishPart(part).catch((error: unknown) => this.#failParts([part], error))),
    );
  }

  #addDecoding(slot: Slot, count: number): BatchPart {
    const generation = slot.generation as Generation;
    const tokens = Uint32Array.from([generation.nextToken, ...generation.guessed.slice(0, count - 1)]);
    const logitsFor = tokens.map((_, index) => index);
    const position = slot.tokens.length;
    const logits = this.#options.context.addToBatch(slot.id, { position, tokens, logitsFor });
    return { slot, generation, tokens, logits, finishesPrompt: false, early: undefined };
  }

  #addPrompt(slot: Slot, count: number): BatchPart {
    const generation = slot.generation as Generation;
    const { prompt, scorePrompt, maxNewTokens } = generation.request;
    const position = slot.tokens.length;
    const tokens = Uint32Array.from(prompt.slice(position, position + count));
    const finishesPrompt = position + count === prompt.length;
    const wanted: number[] = [];
    for (let index = 0; index < count; index += 1) {
      const isLast = position + index + 1 === prompt.length;
      if (isLast ? maxNewTokens > 0 : scorePrompt) wanted.push(index);
    }
    const logits = this.#options.context.addToBatch(slot.id, { position, tokens, logitsFor: Uint32Array.from(wanted) });
    return { slot, generation, tokens, logits, finishesPrompt, early: undefined };
  }

  async #finishPart(part: BatchPart): Promise<void> {
    const { generation } = part;
    // A receiver may have ended the choice while the batch was computed: then what was computed for it is of no use.
    if (generation.phase === "ended" || generation.cancelled) {
      await part.early?.catch(() => {});
      return;
    }
    if (generation.phase === "prompt") {
      if (generation.request.scorePrompt) await this.#scorePrompt(part);
      if (!part.finishesPrompt) return;
      generation.promptDoneAt = performance.now();
      generation.phase = "decoding";
      generation.request.receiver.onPrompt((generation.leader ?? generation).promptScores);
      if (generation.request.maxNewTokens === 0) {
        this.#end(generation, { token: undefined, score: undefined, end: "length" });
        return;
      }
    }
    await this.#sample(part);
  }

  async #scorePrompt({ slot, generation, tokens, logits, finishesPrompt }: BatchPart): Promise<void> {
    const { prompt, topCount = 0, maxNewTokens } = generation.request;
    const first = slot.tokens.length - tokens.length;
    const scored = finishesPrompt && maxNewTokens > 0 ? logits.length - 1 : logits.length;
    const scores: Promise<TokenScore>[] = [];
    for (let index = 0; index < scored; index += 1) {
      const token = prompt[first + index + 1] as number;
      scores.push(this.#options.context.score(logits[index] as number, { token, topCount }));
    }
    generation.promptScores.push(...(await Promise.all(scores)));
  }

  /** Samples after the certain token, and goes on through the guesses as long as what is sampled is what was guessed. */
  async #sample({ slot, generation, tokens, logits, early }: BatchPart): Promise<void> {
    const { context } = this.#options;
    const sampler = generation.sampler as NativeSampler;
    const isDecoding = generation.generated.length > 0;
    const firstLogit = isDecoding ? 0 : logits.length - 1;
    let accepted = 0;
    for (let index = firstLogit; index < logits.length; index += 1) {
      const place = logits[index] as number;
      let token = index === firstLogit && early !== undefined ? await early : await context.sample(place, sampler);
      token = await this.#askGate(generation, { token, place });
      const { topCount } = generation.request;
      const score = topCount === undefined || token < 0 ? undefined : await context.score(place, { token, topCount });
      this.#take(generation, { token, score });
      const guess = isDecoding ? tokens[index + 1] : undefined;
      if ((generation.phase as string) === "ended" || guess !== token) break;
      accepted += 1;
    }
    const guesses = isDecoding ? tokens.length - 1 : 0;
    if (guesses === 0) return;
    generation.acceptedGuesses += accepted;
    generation.rejectedGuesses += guesses - accepted;
    const keep = slot.tokens.length - (guesses - accepted);
    if (keep < slot.tokens.length && context.trim(slot.id, keep)) slot.tokens.length = keep;
  }

  async #askGate(generation: Generation, { token, place }: { token: number; place: number }): Promise<number> {
    const { gate, sampler: plan } = generation.request;
    if (gate === undefined || gate.settled || token < 0) return token;
    const opened = gate.next(token);
    if (opened === undefined) return token;
    const sampler = generation.sampler as NativeSampler;
    generation.grammar = opened.state;
    sampler.applyConfig(withGrammar(plan.config, opened.state));
    return opened.again ? this.#options.context.sample(place, sampler) : token;
  }

  /** A sampled token: the end of the choice, or its next token. */
  #take(generation: Generation, { token, score }: { token: number; score: TokenScore | undefined }): void {
    const { request, generated } = generation;
    if (token < 0) {
      this.#end(generation, { token: undefined, score: undefined, end: "end-token" });
      return;
    }
    generated.push(token);
    if (this.#options.isEndOfGeneration(token)) {
      this.#end(generation, { token: undefined, score: undefined, end: "end-token" });
      return;
    }
    if (generated.length >= request.maxNewTokens) {
      this.#end(generation, { token, score, end: "length" });
      return;
    }
    generation.nextToken = token;
    this.#deliveries.push({ generation, token, score, end: undefined });
    if (request.sampler.generatedPenalty !== undefined) {
      const config = withGeneratedPenalty(request.sampler, { prompt: request.prompt, generated });
      generation.sampler?.applyConfig(withGrammar(config, generation.grammar));
    }
  }

  #end(generation: Generation, delivery: Omit<Delivery, "generation">): void {
    generation.phase = "ended";
    generation.endedAt = performance.now();
    this.#deliveries.push({ generation, ...delivery });
  }

  /** Hands what was sampled to the receivers. False when there was nothing. */
  #deliver(): boolean {
    const deliveries = this.#deliveries;
    if (deliveries.length === 0) return false;
    this.#deliveries = [];
    for (const { generation, token, score, end } of deliveries) {
      if (generation.cancelled || generation.receiverDone) continue;
      const { receiver } = generation.request;
      const enough = token !== undefined && receiver.onToken(token, score);
      if (!enough && end === undefined) continue;
      generation.receiverDone = true;
      if (generation.phase !== "ended") {
        generation.phase = "ended";
        generation.endedAt = performance.now();
      }
      receiver.onEnd(enough ? "receiver" : (end as EndReason));
    }
    return true;
  }

  /** The batch failed: its sequences hold nobody knows what. */
  #failParts(parts: readonly BatchPart[], error: unknown): void {
    for (const { slot, generation } of parts) {
      this.#options.context.clear(slot.id);
      slot.tokens = [];
      this.#fail(generation, error);
    }
  }

  #failAll(error: unknown): void {
    this.#deliver();
    for (const generation of this.#waiting.splice(0)) this.#fail(generation, error);
    for (const slot of this.#slots) {
      if (slot.generation === undefined) continue;
      if (!this.#disposed) this.#options.context.clear(slot.id);
      slot.tokens = [];
      this.#fail(slot.generation, error);
      this.#release(slot, slot.generation);
    }
  }

  #fail(generation: Generation, error: unknown): void {
    if (generation.cancelled || generation.receiverDone) return;
    generation.phase = "ended";
    generation.receiverDone = true;
    generation.request.receiver.onError(error);
  }
}

function withGrammar(config: NativeSamplerConfig, grammar: NativeGrammarState | undefined): NativeSamplerConfig {
  return grammar === undefined ? config : { ...config, grammarEvaluationState: grammar };
}
