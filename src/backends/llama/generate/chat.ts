// Chat on top of the engine: the request is rendered through the model's template, and what the model writes is read back
// into text, reasoning and tool calls.
import { randomInt } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { performance } from "node:perf_hooks";
import type { Call } from "../../../domain/backend.ts";
import type { ChatRequest } from "../../../domain/chat.ts";
import { ServerError } from "../../../domain/errors.ts";
import type { TextModelOptions } from "../../../domain/model.ts";
import type { AppliedTemplate, TextEvent } from "../../../domain/text.ts";
import { resolveMaxTokens } from "../tokens/token-limits.ts";
import { ChatOutput } from "./chat-output.ts";
import { createChatTemplate, type ChatTemplate } from "../chat/template/chat-template.ts";
import { familyMarkup } from "../chat/family-markup.ts";
import { planChat } from "../chat/plan-chat.ts";
import { tokenizePrompt } from "../chat/template/prompt-pieces.ts";
import { thinkingLimit, thinkingTokens, type ThinkingLimit } from "../chat/thinking.ts";
import type { ChatPlan, ControlToken, PromptTokenizer } from "../chat/types.ts";
import type { SequenceRequest } from "../engine/sequence.ts";
import type { GgufFacts } from "../../../model-files/gguf/gguf-facts.ts";
import { choiceSeed, planSampler } from "../engine/sampler-config.ts";
import { guideChat } from "./guide-chat.ts";
import type { TextModel } from "./text-model.ts";
import { runChoices, type ChoiceOutlet } from "./run-choices.ts";
import type { MarkupTokens } from "../tokens/markup-tokens.ts";
import type { Vocabulary } from "../tokens/vocabulary.ts";

/** Guesses per step when the caller sent a prediction and the model is not configured to speculate. */
const guessesWithPrediction = 8;

/** Answers chats with one model. */
export class ChatRunner {
  readonly #model: TextModel;
  readonly #template: ChatTemplate;
  readonly #tokens: Omit<PromptTokenizer, "tokenize">;
  readonly #markup: MarkupTokens;

  /** @throws ServerError `model_load_failed` when the template cannot be read. */
  constructor(model: TextModel, facts: GgufFacts) {
    const { vocabulary, options } = model;
    this.#model = model;
    const special = model.specialTokens;
    const source = readTemplate(options) ?? facts.chatTemplate;
    const { tool_use: toolUse, rag } = options.chatTemplate === null ? facts.namedTemplates : {};
    const controlTokens = special.filter((token) => token.isControl || isMarkup(token.text, source ?? ""));
    this.#template = createChatTemplate({
      ...(source === undefined ? {} : { source }),
      ...(toolUse === undefined ? {} : { toolUseSource: toolUse }),
      ...(rag === undefined ? {} : { documentsSource: rag }),
      bosToken: tokenText(vocabulary, vocabulary.bos),
      eosToken: tokenText(vocabulary, vocabulary.eos),
      controlTexts: controlTokens.map(({ text }) => text),
      templateKwargs: options.chatTemplateKwargs,
      ...(options.family === "auto" ? {} : { family: options.family }),
    });
    this.#markup = familyMarkup(this.#template.family, {
      specialTokens: special,
      isEndOfGeneration: (id) => vocabulary.isEndOfGeneration(id),
    });
    this.#tokens = {
      controlTokens: controlTokens.map(({ id, text, stripsLeft, stripsRight }): ControlToken => ({
        id,
        text,
        stripsLeft,
        stripsRight,
      })),
      addBos: vocabulary.prependsBos,
      ...(vocabulary.bos === undefined ? {} : { bosId: vocabulary.bos }),
    };
  }

  /** Name of the family (chat/families) whose output format the model writes. */
  get family(): string {
    return this.#template.family.name;
  }

  /** The template that was chosen because the model brings none. */
  get fallbackTemplate(): string | undefined {
    return this.#template.fallback;
  }

  /** @throws ServerError for conversations that the template or the model refuses. */
  async applyTemplate(request: ChatRequest, signal: AbortSignal): Promise<AppliedTemplate> {
    const { plan, tokens } = await this.#readPrompt(request, { thinking: this.#limitThinking(request), signal });
    return { prompt: plan.prompt.text, tokens, adaptations: plan.prompt.adaptations };
  }

  async run(request: ChatRequest, call: Call<TextEvent>): Promise<void> {
    const arrivedAt = performance.now();
    const { signal } = call;
    const model = this.#model;
    const { vocabulary } = model;
    const thinking = this.#limitThinking(request);
    const { plan, tokens } = await this.#readPrompt(request, { thinking, signal });
    if (tokens.length === 0) {
      throw new ServerError("invalid_value", { message: "The conversation has no tokens.", param: "messages" });
    }
    model.assertSampling(request.sampling);
    const maxNewTokens = resolveMaxTokens({
      promptTokens: tokens.length,
      requested: request.limits.maxTokens,
      fallback: model.options.defaults.maxTokens,
      contextSize: model.contextSize,
      field: "messages",
    });
    const warnings: string[] = [];
    const createGuide = await guideChat(model, {
      plan,
      markup: this.#markup,
      template: this.#template.source,
      budget: thinkingTokens(thinking, maxNewTokens),
      lastMessage: request.messages.length - 1,
      signal,
      warnings,
    });
    const seed = request.sampling.seed ?? randomInt(2 ** 32 - 1);
    const expected = request.prediction
      ? await model.tokenizer.tokenizeBeginning(request.prediction, {
          count: model.contextSize,
          parseSpecial: false,
          signal,
        })
      : undefined;
    const guesses =
      expected !== undefined && model.canTrim ? Math.max(model.guesses, guessesWithPrediction) : model.guesses;
    const outputs: ChatOutput[] = [];

    const choices = (outlet: ChoiceOutlet): SequenceRequest[] =>
      Array.from({ length: request.n }, (_, choice) => {
        const output = new ChatOutput({ request, plan, markup: this.#markup, vocabulary, outlet, choice });
        outputs.push(output);
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
          ...createGuide(),
          ...(request.topLogprobs === null ? {} : { topCount: request.topLogprobs }),
          scorePrompt: false,
          guesses,
          ...(expected === undefined ? {} : { expected }),
          receiver: output,
        };
      });
    const reasoningTokens = (): number => outputs.reduce((sum, output) => sum + output.reasoningTokens, 0);
    await runChoices(
      model.engine,
      { choices, promptTokens: tokens.length, arrivedAt, warnings, reasoningTokens },
      call,
    );
  }

  #limitThinking(request: ChatRequest): ThinkingLimit {
    return thinkingLimit(request, this.#model.options);
  }

  /** @throws ServerError as rendering does; `context_length_exceeded` for a conversation that is far too long */
  #readPrompt(
    request: ChatRequest,
    { thinking, signal }: { readonly thinking: ThinkingLimit; readonly signal: AbortSignal },
  ): Promise<{ readonly plan: ChatPlan; readonly tokens: readonly number[] }> {
    const { tokenizer, contextSize } = this.#model;
    const read = async (): Promise<{ plan: ChatPlan; tokens: number[] }> => {
      await tokenizer.refuseHopeless(userTexts(request), { contextSize });
      const plan = planChat(withBudgetVariable(request, this.#template.source), this.#template, { thinking });
      const tokens = await tokenizePrompt(plan.prompt.pieces, {
        ...this.#tokens,
        tokenize: (text, { parseSpecial, used }) =>
          tokenizer.tokenize(text, { parseSpecial, used, contextSize, signal }),
      });
      return { plan, tokens };
    };
    return this.#model.readPrompt(read, { requested: request.limits.maxTokens, field: "messages" });
  }
}

/** Some templates tell the model its budget, as Seed-OSS's does, and know it by this name. */
function withBudgetVariable(request: ChatRequest, template: string): ChatRequest {
  const { reasoningBudget, templateKwargs } = request;
  if (typeof reasoningBudget !== "number" || !template.includes("thinking_budget")) return request;
  return { ...request, templateKwargs: { thinking_budget: reasoningBudget, ...templateKwargs } };
}

/** The texts of user messages: every template shows them, so that they count whatever else it drops. */
function userTexts({ messages }: ChatRequest): string[] {
  return messages.flatMap((message) =>
    message.role === "user" ? message.content.flatMap((part) => (part.type === "text" ? [part.text] : [])) : [],
  );
}

/** The configured template: its text, or the content of the file it names. */
function readTemplate({ chatTemplate }: TextModelOptions): string | undefined {
  if (chatTemplate === null) return undefined;
  if (/\{[{%#]|\n/.test(chatTemplate)) return chatTemplate;
  if (existsSync(chatTemplate)) return readFileSync(chatTemplate, "utf8");
  throw new ServerError("model_load_failed", `The chat template '${chatTemplate}' is neither a template nor a file.`);
}

/**
 * A token that is no control token to the tokenizer but markup to the template, such as `<tool_call>`: callers must not write
 * it either. Others, such as runs of spaces, are text.
 */
function isMarkup(text: string, template: string): boolean {
  return text.trim().length > 2 && template.includes(text);
}

function tokenText(vocabulary: Vocabulary, token: number | undefined): string {
  return token === undefined ? "" : (vocabulary.piece(token).text ?? "");
}
