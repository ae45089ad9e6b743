// Makes the tokens of a completion's prompts: text or token ids behind BOS, or the texts before and after a gap between the model's
// fill-in-the-middle tokens.
import type { CompletionPrompt, CompletionRequest } from "../../../domain/completion.ts";
import { ServerError } from "../../../domain/errors.ts";
import { assertTokensInVocabulary, resolveMaxTokens } from "../tokens/token-limits.ts";
import type { TextModel } from "./text-model.ts";
import { Utf8Assembler } from "../../../util/utf8-assembler.ts";
import type { Vocabulary } from "../tokens/vocabulary.ts";

export interface PreparedPrompt {
  readonly tokens: readonly number[];
  /** The prompt as the caller wrote it, or as its token ids read. */
  readonly text: string;
  /** Tokens at the beginning that the caller did not write, such as BOS: they are not echoed. */
  readonly hiddenTokens: number;
  /** Tokens behind the hidden ones that stand for `text`; marks and suffix, which follow them, are not echoed. */
  readonly echoedTokens: number;
  readonly maxNewTokens: number;
}

/** The model's fill-in-the-middle tokens, and the text after the gap. */
interface Insertion {
  readonly marks: NonNullable<Vocabulary["fillInTheMiddle"]>;
  readonly suffix: readonly number[];
}

/**
 * All prompts of a request, in order; the suffix is read once for all.
 * @throws ServerError `invalid_value`, `unsupported_parameter`, `context_length_exceeded`; the signal's reason.
 */
export async function preparePrompts(
  model: TextModel,
  { request, signal }: { request: CompletionRequest; signal: AbortSignal },
): Promise<readonly PreparedPrompt[]> {
  const insertion = request.suffix ? await prepareInsertion(model, { request, signal }) : undefined;
  const prompts: PreparedPrompt[] = [];
  for (const [index, prompt] of request.prompts.entries()) {
    prompts.push(await preparePrompt(model, { request, prompt, index, insertion, signal }));
  }
  return prompts;
}

async function preparePrompt(
  model: TextModel,
  {
    request,
    prompt,
    index,
    insertion,
    signal,
  }: {
    request: CompletionRequest;
    prompt: CompletionPrompt;
    index: number;
    insertion: Insertion | undefined;
    signal: AbortSignal;
  },
): Promise<PreparedPrompt> {
  const { vocabulary, contextSize } = model;
  const param = `prompts[${index}]`;
  const isText = typeof prompt === "string";
  if (!isText) assertTokensInVocabulary(prompt, { vocabularySize: vocabulary.size, param });
  // Beside the marks that are put here, a text that spells one is text.
  const parseSpecial = insertion === undefined;
  const own = isText ? await readText(model, prompt, { request, parseSpecial, signal }) : prompt;
  const { tokens, hiddenTokens } =
    insertion === undefined
      ? withBeginning(vocabulary, { tokens: own, isText, param })
      : insertionPrompt(vocabulary, { before: own, insertion });
  const maxNewTokens = resolveMaxTokens({
    promptTokens: tokens.length,
    requested: request.limits.maxTokens,
    fallback: model.options.defaults.maxTokens,
    contextSize,
    field: "prompts",
  });
  const text = isText ? prompt : readTokens(vocabulary, own);
  return { tokens, text, hiddenTokens, echoedTokens: own.length, maxNewTokens };
}

function readText(
  model: TextModel,
  text: string,
  { request, parseSpecial, signal }: { request: CompletionRequest; parseSpecial: boolean; signal: AbortSignal },
): Promise<readonly number[]> {
  const { contextSize } = model;
  return model.readPrompt(() => model.tokenizer.tokenize(text, { parseSpecial, contextSize, signal }), {
    requested: request.limits.maxTokens,
    field: "prompts",
  });
}

/**
 * Text gets the BOS that the model was trained with; token ids are taken as they are. An empty prompt is BOS alone (EOS where
 * there is no BOS): the model begins a text of its own.
 */
function withBeginning(
  vocabulary: Vocabulary,
  { tokens, isText, param }: { tokens: readonly number[]; isText: boolean; param: string },
): { tokens: readonly number[]; hiddenTokens: number } {
  if (isText && vocabulary.prependsBos && tokens[0] !== vocabulary.bos) {
    return { tokens: [vocabulary.bos as number, ...tokens], hiddenTokens: 1 };
  }
  if (tokens.length > 0) return { tokens, hiddenTokens: 0 };
  const start = vocabulary.bos ?? vocabulary.eos;
  if (start === undefined) {
    throw new ServerError("invalid_value", {
      message: "The prompt is empty and this model has no token to begin with.",
      param,
    });
  }
  return { tokens: [start], hiddenTokens: 1 };
}

/** @throws ServerError `unsupported_parameter` where the model has no marks; `context_length_exceeded`. */
async function prepareInsertion(
  model: TextModel,
  { request, signal }: { request: CompletionRequest; signal: AbortSignal },
): Promise<Insertion> {
  const { vocabulary } = model;
  const marks = vocabulary.fillInTheMiddle;
  if (marks === undefined) {
    throw new ServerError("unsupported_parameter", {
      message: "This model has no fill-in-the-middle tokens, so '{suffix}' is not supported.",
      param: "suffix",
    });
  }
  // SentencePiece begins every text with a space, which the text behind a gap does not have: it is read behind a character
  // that joins nothing, as Code Llama's `encode_infilling` does.
  const lead = vocabulary.putsSpaceFirst ? "☺" : "";
  const suffix = await readText(model, `${lead}${request.suffix}`, { request, parseSpecial: false, signal });
  return { marks, suffix: suffix.slice(vocabulary.tokenize(lead, { parseSpecial: false }).length) };
}

/** Prefix, suffix, middle, as llama.cpp's `format_prompt_infill` has it by default, with BOS before all where there is one. */
function insertionPrompt(
  vocabulary: Vocabulary,
  { before, insertion }: { before: readonly number[]; insertion: Insertion },
): { tokens: readonly number[]; hiddenTokens: number } {
  const { marks, suffix } = insertion;
  const start = vocabulary.prependsBos ? [vocabulary.bos as number] : [];
  const tokens = [...start, marks.prefix, ...before, marks.suffix, ...suffix, marks.middle];
  return { tokens, hiddenTokens: start.length + 1 };
}

function readTokens(vocabulary: Vocabulary, tokens: readonly number[]): string {
  const text = new Utf8Assembler();
  return tokens.map((token) => text.push(vocabulary.piece(token).bytes)).join("") + text.flush();
}
