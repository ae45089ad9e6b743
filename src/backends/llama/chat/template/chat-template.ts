// A model's chat template: parsed once, probed once for the messages that it supports, then rendered for every request so that no
// text of a caller can turn into a control token.
import type { ChatRequest } from "../../../../domain/chat.ts";
import { ServerError } from "../../../../domain/errors.ts";
import { compileTemplate, GLOBAL_NAMES, TemplateRaisedError, type CompiledTemplate } from "./bounded-jinja.ts";
import { createCallerGuard, type CallerGuard } from "./caller-text.ts";
import { fallbackTemplate } from "./fallback-templates.ts";
import { detectFamily } from "../families/families.ts";
import { formatTime } from "./format-time.ts";
import { TemplateRunError, type TemplateLimits } from "./jinja-interpreter.ts";
import { findControlTexts, splitPrompt } from "./prompt-pieces.ts";
import { probeTemplate, type TemplateCapabilities } from "./template-capabilities.ts";
import { shownTools, toTemplateMessages, toTemplateTools, type TemplateMessage } from "./template-messages.ts";
import type { ChatFamily, RenderedPrompt, RenderOptions } from "../types.ts";

export interface ChatTemplateOptions {
  /** The template's text, from the model or from configuration. Left out or empty = a fallback is chosen. */
  readonly source?: string;
  /** Used instead of `source` when a request brings tools, for models that publish two templates. */
  readonly toolUseSource?: string;
  readonly bosToken: string;
  readonly eosToken: string;
  /** Texts of the tokens that callers must not be able to write. */
  readonly controlTexts: readonly string[];
  /** Variables from the model's configuration; a request's own override them. */
  readonly templateKwargs?: Readonly<Record<string, unknown>>;
  /** Name of a family, in place of detection. */
  readonly family?: string;
  readonly limits?: TemplateLimits;
}

export interface ChatTemplate {
  readonly source: string;
  /** The model brought no template. */
  readonly isFallback: boolean;
  readonly family: ChatFamily;
  readonly capabilities: TemplateCapabilities;
  /**
   * Renders a request.
   * @throws ServerError `invalid_request` with the template's own words when it refuses the conversation, or when it fails;
   *   `unsupported_content` for parts that are no text; `invalid_value` for variables that cannot be set
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
  const source = isFallback ? fallbackTemplate(controlTexts) : given.trim() === "" ? toolUseSource : given;
  // Of two templates, the one for tools shows how the model calls them.
  const family = detectFamily(toolUseSource.trim() === "" ? source : toolUseSource, options.family);
  const plain = createRenderer(source, { ...options, family });
  const toolUse =
    toolUseSource.trim() === "" || toolUseSource === source
      ? plain
      : createRenderer(toolUseSource, { ...options, family });
  return {
    source,
    isFallback,
    family,
    capabilities: plain.capabilities,
    render: (request, renderOptions = {}) =>
      (shownTools(request).length > 0 ? toolUse : plain).render(request, renderOptions),
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
  const fixed = { bos_token: bosToken, eos_token: eosToken, enable_thinking: true, ...dateVariables(new Date()) };
  const capabilities = probeTemplate(template, { ...fixed, ...options.templateKwargs });
  const reasoning = family.reasoning.find(({ close }) => source.includes(close));

  const renderGuarded = (request: ChatRequest, guard: CallerGuard, now: Date): string => {
    const messages = toTemplateMessages(request, {
      capabilities,
      shape: family.formatShape,
      guard,
      ...(reasoning === undefined ? {} : { reasoning }),
    });
    const continued = request.addGenerationPrompt ? undefined : markLastTurn(messages, capabilities, guard);
    const tools = capabilities.tools ? toTemplateTools(request, guard) : [];
    const variables = {
      ...fixed,
      ...dateVariables(now),
      ...(request.reasoningEffort === undefined ? {} : effortVariables(request.reasoningEffort, guard)),
      ...options.templateKwargs,
      ...(guard.deep(request.templateKwargs) as Record<string, unknown>),
      bos_token: bosToken,
      eos_token: eosToken,
      messages,
      ...(tools.length === 0 ? {} : { tools }),
      ...(request.addGenerationPrompt ? { add_generation_prompt: true } : { add_generation_prompt: false }),
    };
    const rendered = runForRequest(template, variables, { ...limits, now });
    return continued === undefined ? rendered : cutAfter(rendered, continued);
  };

  return {
    capabilities,
    render(request, { now = new Date() }) {
      checkKwargs(request);
      const corpus = source + collectText(request);
      const guardOptions = { controlTexts, corpus };
      let guard = createCallerGuard({ ...guardOptions, strict: false });
      let rendered = renderGuarded(request, guard, now);
      if (controlTexts.length > 0) {
        const strictGuard = createCallerGuard({ ...guardOptions, strict: true });
        const strict = renderOrNothing(() => renderGuarded(request, strictGuard, now));
        // The template has made a control token of callers' text, which the strict guard prevents.
        if (strict !== undefined && !sameControlTexts(strict, rendered, controlTexts))
          [guard, rendered] = [strictGuard, strict];
      }
      const pieces = splitPrompt(rendered, { guard, controlTexts });
      return { pieces, text: pieces.map((piece) => piece.text).join("") };
    },
  };
}

function parseAtLoad(source: string): CompiledTemplate {
  try {
    return compileTemplate(source);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new ServerError("model_load_failed", `The chat template cannot be parsed: ${reason}`, { cause: error });
  }
}

function runForRequest(
  template: CompiledTemplate,
  variables: Readonly<Record<string, unknown>>,
  options: TemplateLimits & { readonly now: Date },
): string {
  try {
    return template.run(variables, options);
  } catch (error) {
    if (error instanceof TemplateRaisedError) {
      const message = `The model's chat template refuses this conversation: ${error.message}`;
      throw new ServerError("invalid_request", { message, param: "messages" }, { cause: error });
    }
    if (error instanceof TemplateRunError) {
      const message = `The model's chat template cannot render this conversation: ${error.message}`;
      throw new ServerError("invalid_request", { message, param: "messages" }, { cause: error });
    }
    throw error;
  }
}

/** `undefined` for a template that refuses strictly guarded strings: it compared them with something, and did not print them. */
function renderOrNothing(render: () => string): string | undefined {
  try {
    return render();
  } catch (error) {
    if (error instanceof ServerError && error.kind === "invalid_request") return undefined;
    throw error;
  }
}

function sameControlTexts(left: string, right: string, controlTexts: readonly string[]): boolean {
  const [ours, theirs] = [left, right].map((text) => findControlTexts(text, controlTexts));
  return ours?.length === theirs?.length && (ours ?? []).every((found, index) => found.text === theirs?.[index]?.text);
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
  return { date_string: formatTime(now, "%d %b %Y"), datetime: formatTime(now, "%b %d %Y") };
}

/** The effort "none" turns reasoning off in templates that can; every other word is passed on to the template. */
function effortVariables(effort: string, guard: CallerGuard): Record<string, unknown> {
  const thinks = effort !== "none";
  return { ...(thinks ? { reasoning_effort: guard.text(effort) } : {}), enable_thinking: thinks, thinking: thinks };
}

/** Puts a placeholder at the end of the last assistant turn, so that the prompt can be cut there and continued. */
function markLastTurn(
  messages: TemplateMessage[],
  capabilities: TemplateCapabilities,
  guard: CallerGuard,
): string | undefined {
  const last = messages.at(-1);
  if (last?.role !== "assistant" || last["tool_calls"] !== undefined) return undefined;
  const text =
    typeof last.content === "string" ? last.content : (last.content ?? []).map((part) => part.text).join("\n");
  const field = capabilities.reasoningField;
  const thought = last[field];
  if (text === "" && typeof thought === "string") {
    messages[messages.length - 1] = { ...last, [field]: thought + guard.endMark };
  } else {
    const marked = text + guard.endMark;
    messages[messages.length - 1] = {
      ...last,
      content: capabilities.stringContent ? marked : [{ type: "text", text: marked }],
    };
  }
  return guard.endMark;
}

function cutAfter(rendered: string, mark: string): string {
  const end = rendered.lastIndexOf(mark);
  if (end !== -1) return rendered.slice(0, end);
  throw new ServerError("invalid_request", {
    message: "The model's chat template does not show the last message as it is, so that it cannot be continued.",
    param: "messages",
  });
}

/** Everything that callers sent, as one text. */
function collectText(request: ChatRequest): string {
  return JSON.stringify([request.messages, request.tools, request.templateKwargs, request.reasoningEffort]);
}
