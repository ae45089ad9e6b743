// Chat on top of the engine: the request is rendered through the model's template, and what the model writes is read back
// into text, reasoning and tool calls.
import { randomInt } from "node:crypto";
import type { ChatRequest } from "../../domain/chat.ts";
import type { AppliedTemplate, FinishReason, TextEvent, TokenLogprob } from "../../domain/text.ts";
import type { TokenScore } from "./adapter.ts";
import { resolveMaxTokens } from "./admission.ts";
import type { EventBuffer } from "./event-buffer.ts";
import type { EndReason, GenerationReceiver, GenerationRequest } from "./generation.ts";
import type { GgufFacts } from "./gguf-file.ts";
import { choiceSeed, planSampler } from "./sampler-config.ts";
import type { TextModel } from "./text-model.ts";
import { runText } from "./text-run.ts";
import { ReleaseGate, TokenText, toTokenLogprob } from "./token-text.ts";

export class ChatRunner {
  readonly #model: TextModel;

  constructor(model: TextModel, _facts: GgufFacts) {
    this.#model = model;
  }

  applyTemplate(request: ChatRequest): AppliedTemplate {
    const prompt = request.messages
      .map((message) => (message.content ?? []).map((part) => (part.type === "text" ? part.text : "")).join("\n"))
      .join("\n");
    const { vocabulary } = this.#model;
    const tokens = vocabulary.tokenize(prompt, { parseSpecial: false });
    return { prompt, tokens: vocabulary.prependsBos ? [vocabulary.bos as number, ...tokens] : tokens };
  }

  run(request: ChatRequest, signal: AbortSignal): AsyncIterable<TextEvent> {
    const model = this.#model;
    const { tokens } = this.applyTemplate(request);
    model.assertLogitBias(request.sampling);
    const maxNewTokens = resolveMaxTokens({
      promptTokens: tokens.length,
      requested: request.limits.maxTokens,
      fallback: model.options.defaults.maxTokens,
      contextSize: model.contextSize,
      promptName: "messages",
    });
    const createGrammar = model.compileConstraint(request.constraint);
    const seed = request.sampling.seed ?? randomInt(2 ** 32 - 1);
    const choices = (buffer: EventBuffer, finished: () => void): GenerationRequest[] =>
      Array.from({ length: request.n }, (_, choice) => {
        const grammar = createGrammar?.();
        return {
          prompt: tokens,
          maxNewTokens,
          sampler: planSampler({
            sampling: request.sampling,
            defaults: model.options.defaults,
            prompt: tokens,
            seed: choiceSeed(seed, choice),
            contextSize: model.contextSize,
          }),
          ...(grammar === undefined ? {} : { grammar }),
          ...(request.topLogprobs === null ? {} : { topCount: request.topLogprobs }),
          scorePrompt: false,
          guesses: model.guesses,
          receiver: new ChatReceiver(model, { request, buffer, finished, choice }),
        };
      });
    return runText(model.engine, { choices, promptTokens: tokens.length, reasoningTokens: () => 0 }, signal);
  }
}

interface ChatReceiverOptions {
  readonly request: ChatRequest;
  readonly buffer: EventBuffer;
  readonly finished: () => void;
  readonly choice: number;
}

class ChatReceiver implements GenerationReceiver {
  readonly #model: TextModel;
  readonly #options: ChatReceiverOptions;
  readonly #text: TokenText;
  readonly #gate: ReleaseGate;

  constructor(model: TextModel, options: ChatReceiverOptions) {
    this.#model = model;
    this.#options = options;
    this.#text = new TokenText(model.vocabulary);
    this.#gate = new ReleaseGate(options.request.limits.stop);
  }

  get isFull(): boolean {
    return this.#options.buffer.isFull;
  }

  onPrompt(): void {}

  onToken(token: number, score: TokenScore | undefined): boolean {
    this.#options.buffer.countToken();
    const wantsLogprobs = this.#options.request.topLogprobs !== null;
    const logprobs = wantsLogprobs ? [toTokenLogprob(this.#model.vocabulary, { token, score })] : [];
    const released = this.#gate.push(this.#text.push(token), logprobs);
    this.#emitText(released.text, released.logprobs);
    return released.stopped;
  }

  onEnd(reason: EndReason): void {
    const { buffer, choice } = this.#options;
    if (reason !== "receiver") {
      const last = this.#gate.push(this.#text.flush(), []);
      this.#emitText(last.text, last.logprobs);
      if (!last.stopped) {
        const rest = this.#gate.flush();
        this.#emitText(rest.text, rest.logprobs);
      }
    }
    const finish: FinishReason = reason === "length" ? "length" : "stop";
    buffer.push({ type: "finish", choice, reason: finish });
    this.#options.finished();
  }

  onError(error: unknown): void {
    this.#options.buffer.fail(error);
  }

  #emitText(text: string, logprobs: readonly TokenLogprob[]): void {
    if (text === "" && logprobs.length === 0) return;
    const { buffer, choice, request } = this.#options;
    buffer.push({ type: "text-delta", choice, text, ...(request.topLogprobs === null ? {} : { logprobs }) });
  }
}
