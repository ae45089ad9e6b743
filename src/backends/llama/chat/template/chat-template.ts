// A model's chat template: parsed once, probed once for the messages that it supports, then rendered for every request so that no
// text of a caller can turn into a control token.
import type { ChatRequest } from "../../../../domain/chat.ts";
import { ServerError } from "../../../../domain/errors.ts";
import type { OutputRun } from "../../../../jinja/template.ts";
import type { RenderLimits } from "../../../../jinja/limits.ts";
import { plain, type PyString } from "../../../../jinja/values/text/text.ts";
import { orderedJson } from "../../../../util/ordered-json.ts";
import { createCallerMarks, type CallerMarks } from "./caller-text.ts";
import {
  compileTemplate,
  GLOBAL_NAMES,
  TemplateRaisedError,
  TemplateRunError,
  type CompiledTemplate,
} from "./compiled-template.ts";
import { fallbackTemplate, type FallbackTemplate } from "./fallback-templates.ts";
import { detectFamily } from "../families/families.ts";
import { formatTime } from "../../../../jinja/builtins/strftime.ts";
import { splitPrompt } from "./prompt-pieces.ts";
import { renderAdapted } from "./render-adapted.ts";
import { probeTemplate } from "./capabilities/probe-template.ts";
import { NO_TOOLS_TEXT, type TemplateCapabilities } from "./capabilities/template-capabilities.ts";
import { shownTools, toTemplateMessages, toTemplateTools } from "./messages/template-messages.ts";
import type { TemplateMessage } from "./messages/template-message.ts";
import type { ChatFamily, RenderedPrompt, RenderOptions } from "../types.ts";

export interface ChatTemplateOptions {
  /** The template's text, from the model or from configuration. Left out or empty = a fallback is chosen. */
  readonly source?: string;
  /** Used instead of `source` when a request brings tools, for models that publish two templates. */
  readonly toolUseSource?: string;
  /** Used instead of `source` when a request brings documents, and no tools. */
  readonly documentsSource?: string;
  readonly bosToken: string;
  readonly eosToken: string;
  /** Texts of the tokens that callers must not be able to write. */
  readonly controlTexts: readonly string[];
  /** Variables from the model's configuration; a request's own override them. */
  readonly templateKwargs?: Readonly<Record<string, unknown>>;
  /** Name of a family, in place of detection. */
  readonly family?: string;
  readonly limits?: Partial<RenderLimits>;
}

export interface ChatTemplate {
  readonly source: string;
  /** The template that was chosen for a model that brings none. */
  readonly fallback?: FallbackTemplate["name"];
  /** Texts that end an answer: the family's, and the role marks of a plain dialogue. */
  readonly stopTexts: readonly string[];
  readonly family: ChatFamily;
  readonly capabilities: TemplateCapabilities;
  /**
   * Renders a request.
   * @throws ServerError `invalid_request` with the template's own words when it refuses the conversation, or when it fails;
   *   `unsupported_content` for parts that are no text; `invalid_value` for variables that cannot be set; `unsupported_parameter` for
   *   documents that it would not show
   */
  render(request: ChatRequest, options?: RenderOptions): RenderedPrompt;
}

/** Variables that only the server sets. */
const RESERVED_NAMES = new Set([
  ...GLOBAL_NAMES,
  "messages",
  "tools",
  "add_generation_prompt",
  "bos_token",
  "eos_token",
]);

/** @throws ServerError `model_load_failed` when the template cannot be parsed or the family is unknown */
export function createChatTemplate(options: ChatTemplateOptions): ChatTemplate {
  const { source: given = "", toolUseSource = "", controlTexts } = options;
  const isFallback = given.trim() === "" && toolUseSource.trim() === "";
  const fallback = isFallback ? fallbackTemplate(controlTexts) : undefined;
  const source = fallback?.source ?? (given.trim() === "" ? toolUseSource : given);
  // Of two templates, the one for tools shows how the model calls them.
  const family = detectFamily(toolUseSource.trim() === "" ? source : toolUseSource, options.family);
  const plain = createRenderer(source, { ...options, family });
  const toolUse =
    toolUseSource.trim() === "" || toolUseSource === source
      ? plain
      : createRenderer(toolUseSource, { ...options, family });
  const documents =
    (options.documentsSource ?? "").trim() === ""
      ? plain
      : createRenderer(options.documentsSource ?? "", { ...options, family });
  const rendererFor = (request: ChatRequest): Renderer => {
    if (shownTools(request).length > 0) return toolUse;
    return hasDocuments(request) ? documents : plain;
  };
  return {
    source,
    ...(fallback === undefined ? {} : { fallback: fallback.name }),
    family,
    stopTexts: [...family.stopTexts, ...(fallback?.stopTexts ?? [])],
    capabilities: plain.capabilities,
    render: (request, renderOptions = {}) => rendererFor(request).render(request, renderOptions),
  };
}

interface Renderer {
  readonly capabilities: TemplateCapabilities;
  render(request: ChatRequest, options: RenderOptions): RenderedPrompt;
}

function createRenderer(
  source: string,
  options: Omit<ChatTemplateOptions, "family"> & { readonly family: ChatFamily },
): Renderer {
  const { family, bosToken, eosToken, controlTexts, limits } = options;
  const template = parseAtLoad(source);
  const fixed = { bos_token: bosToken, eos_token: eosToken };
  const { formatShape } = family;
  const capabilities = probeTemplate(template, {
    fixed: { ...fixed, ...dateVariables(new Date()), ...options.templateKwargs },
    numbersCalls: formatShape.kind === "named-json" && formatShape.beforeNumber !== undefined,
  });
  const reasoning = family.reasoning.find(({ close }) => source.includes(close));

  const renderMarked = (request: ChatRequest, marks: CallerMarks, now: Date): readonly OutputRun[] => {
    const messages = toTemplateMessages(request, {
      capabilities,
      shape: family.formatShape,
      marks,
      ...(reasoning === undefined ? {} : { reasoning }),
    });
    const continued = request.addGenerationPrompt ? undefined : markLastTurn(messages, capabilities, marks);
    const tools = capabilities.tools ? toTemplateTools(request, marks) : [];
    const callers = {
      ...(request.reasoningEffort === undefined ? {} : effortVariables(request.reasoningEffort, marks)),
      ...options.templateKwargs,
      ...Object.fromEntries(Object.entries(request.templateKwargs).map(([name, value]) => [name, marks.deep(value)])),
      messages,
      ...toolsVariable(tools, capabilities),
      ...(hasDocuments(request) ? { documents: marks.deep(request.documents) } : {}),
    };
    const variables = {
      ...dateVariables(now),
      ...Object.fromEntries(Object.entries(callers).map(([name, value]) => [name, marks.toTemplateValue(value)])),
      ...fixed,
      add_generation_prompt: request.addGenerationPrompt,
    };
    const runs = inOneTurn(
      runForRequest(template, variables, { now, ...(limits === undefined ? {} : { limits }) }),
      family,
    );
    return continued === undefined ? runs : cutAfter(runs, endCharacter(continued, marks));
  };

  const renderOnce = (request: ChatRequest, now: Date): Omit<RenderedPrompt, "adaptations"> => {
    const marks = createCallerMarks(source + collectText(request));
    const pieces = splitPrompt(renderMarked(request, marks, now), controlTexts);
    return { pieces, text: pieces.map((piece) => piece.text).join("") };
  };

  return {
    capabilities,
    render(request, { now = new Date() }) {
      checkKwargs(request);
      if (hasDocuments(request) && !capabilities.documents) throw documentsNotShown();
      return renderAdapted(request, { capabilities, render: (adapted) => renderOnce(adapted, now) });
    },
  };
}

function toolsVariable(tools: readonly unknown[], capabilities: TemplateCapabilities): object {
  const { toolsVariable: name, toolsAs, requiresTools } = capabilities;
  if (tools.length === 0 && !requiresTools) return {};
  if (toolsAs === "list") return { [name]: tools };
  return { [name]: tools.length === 0 ? NO_TOOLS_TEXT : orderedJson(tools, { indent: 4 }) };
}

function parseAtLoad(source: string): CompiledTemplate {
  try {
    return compileTemplate(source);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new ServerError("model_load_failed", `The chat template cannot be parsed: ${reason}`, { cause: error });
  }
}

/** `variables`: callers' strings in them are values of the engine that know their origin. */
function runForRequest(
  template: CompiledTemplate,
  variables: Readonly<Record<string, unknown>>,
  options: { readonly limits?: Partial<RenderLimits>; readonly now: Date },
): readonly OutputRun[] {
  try {
    return template.run({ trusted: variables }, options).runs;
  } catch (error) {
    if (error instanceof TemplateRaisedError || error instanceof TemplateRunError) throw refusal(error);
    throw error;
  }
}

function refusal(error: TemplateRaisedError | TemplateRunError): ServerError {
  const verb = error instanceof TemplateRaisedError ? "refuses" : "cannot render";
  const message = `The model's chat template ${verb} this conversation: ${error.message}`;
  return new ServerError("invalid_request", { message, param: "messages" }, { cause: error });
}

function hasDocuments({ documents = [] }: ChatRequest): boolean {
  return documents.length > 0;
}

function documentsNotShown(): ServerError {
  const message = "The model's chat template shows no {documents}: put their text into a message.";
  return new ServerError("unsupported_parameter", { message, param: "documents" });
}

function checkKwargs(request: ChatRequest): void {
  const reserved = Object.keys(request.templateKwargs).find((name) => RESERVED_NAMES.has(name));
  if (reserved === undefined) return;
  throw new ServerError("invalid_value", {
    message: `{templateKwargs} cannot set "${reserved}": the server sets it.`,
    param: `templateKwargs.${reserved}`,
  });
}

/** Dates in llama-server's formats. Without `date_string` templates print a fixed date of their own. */
function dateVariables(now: Date): Record<string, string> {
  return { date_string: plain(formatTime(now, "%d %b %Y")), datetime: plain(formatTime(now, "%b %d %Y")) };
}

/** The effort "none" turns reasoning off in templates that can; every other word is passed on to the template. */
function effortVariables(effort: string, marks: CallerMarks): Record<string, unknown> {
  const thinks = effort !== "none";
  return { ...(thinks ? { reasoning_effort: marks.text(effort) } : {}), enable_thinking: thinks, thinking: thinks };
}

/** Puts a placeholder at the end of the last assistant turn, so that the prompt can be cut there and continued. */
function markLastTurn(
  messages: TemplateMessage[],
  capabilities: TemplateCapabilities,
  marks: CallerMarks,
): string | undefined {
  const last = messages.at(-1);
  if (last?.role !== "assistant" || last["tool_calls"] !== undefined) return undefined;
  const text =
    typeof last.content === "string" ? last.content : (last.content ?? []).map((part) => part.text).join("\n");
  const field = capabilities.reasoningField;
  const thought = last[field];
  if (text === "" && typeof thought === "string") {
    messages[messages.length - 1] = { ...last, [field]: thought + marks.endMark };
  } else {
    const marked = text + marks.endMark;
    messages[messages.length - 1] = {
      ...last,
      content: capabilities.stringContent ? marked : [{ type: "text", text: marked }],
    };
  }
  return marks.endMark;
}

/** The character that the mark of the last turn's end is in the rendered text. */
function endCharacter(mark: string, marks: CallerMarks): string {
  return plain(marks.toTemplateValue(mark) as PyString);
}

/** Puts a turn's text and its calls, which came as two messages, in one turn again. */
function inOneTurn(runs: readonly OutputRun[], { sameTurn }: ChatFamily): readonly OutputRun[] {
  if (sameTurn === undefined) return runs;
  return runs.map((run) =>
    run.origin === "template" ? { ...run, text: run.text.replaceAll(sameTurn.written, () => sameTurn.meant) } : run,
  );
}

/** The runs up to where the last turn ends. */
function cutAfter(runs: readonly OutputRun[], end: string): OutputRun[] {
  const last = runs.findLastIndex(({ text }) => text.includes(end));
  const run = runs[last];
  if (run !== undefined)
    return [...runs.slice(0, last), { ...run, text: run.text.slice(0, run.text.lastIndexOf(end)) }];
  throw new ServerError("invalid_request", {
    message: "The model's chat template does not show the last message as it is, so that it cannot be continued.",
    param: "messages",
  });
}

/** Everything that callers sent, as one text. */
function collectText(request: ChatRequest): string {
  const { messages, tools, documents, templateKwargs, reasoningEffort } = request;
  return JSON.stringify([messages, tools, documents, templateKwargs, reasoningEffort]);
}
