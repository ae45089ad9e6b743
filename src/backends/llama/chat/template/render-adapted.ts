// Renders a conversation as it was sent; where the template refuses it or leaves words of it out, in the nearest form that it shows whole.
import type { ChatMessage, ChatRequest } from "../../../../domain/chat.ts";
import { ServerError } from "../../../../domain/errors.ts";
import { ADAPTATIONS, ONE_CALL_PER_TURN, TEXT_BEFORE_CALLS, type Adaptation } from "./adapt-conversation.ts";
import { TemplateLimitError, TemplateRaisedError, TemplateRunError } from "./compiled-template.ts";
import type { TemplateCapabilities } from "./capabilities/template-capabilities.ts";
import type { RenderedPrompt } from "../types.ts";

type Rendered = Omit<RenderedPrompt, "adaptations">;

export interface AdaptedRenderOptions {
  readonly capabilities: TemplateCapabilities;
  /** @throws ServerError caused by the template's refusal */
  readonly render: (request: ChatRequest) => Rendered;
}

/**
 * The form with the fewest changes that shows all words of the conversation, else the first that the template takes.
 * @throws ServerError of the first attempt when the template takes none
 */
export function renderAdapted(request: ChatRequest, options: AdaptedRenderOptions): RenderedPrompt {
  // A template that shows one call would leave the others out in silence.
  const { toolCalls, parallelToolCalls, textBesideCalls } = options.capabilities;
  const always = [
    ...(toolCalls && !parallelToolCalls ? [ONE_CALL_PER_TURN] : []),
    ...(toolCalls && !textBesideCalls ? [TEXT_BEFORE_CALLS] : []),
  ];
  const attempts: Attempt[] = [];
  const attempt = (changes: readonly Adaptation[]): Attempt => {
    const made = tryForm(request, [...always, ...changes], options.render);
    attempts.push(made);
    return made;
  };

  let best = attempt([]);
  let changes: readonly Adaptation[] = [];
  for (const change of ADAPTATIONS) {
    if (best.isWhole) break;
    if (change.apply(best.form) === best.form) continue;
    changes = changes.concat(change);
    best = attempt(changes);
  }
  // An earlier change may not have been what was amiss.
  for (const change of best.isWhole ? changes.slice(0, -1) : []) {
    const fewer = changes.filter((kept) => kept !== change);
    const made = attempt(fewer);
    if (made.isWhole) [best, changes] = [made, fewer];
  }
  if (best.isWhole && best.prompt !== undefined) return best.prompt;
  const refused = attempts.find(({ refusal }) => refusal !== undefined)?.refusal;
  if (request.messages.every(({ role }) => role === "system" || role === "developer")) throw systemAlone(refused);
  const taken = attempts.find(({ prompt }) => prompt !== undefined)?.prompt;
  if (taken !== undefined) return taken;
  throw refused;
}

interface Attempt {
  readonly form: ChatRequest;
  /** Undefined where the template refused. */
  readonly prompt?: RenderedPrompt;
  readonly refusal?: unknown;
  readonly isWhole: boolean;
}

function tryForm(
  request: ChatRequest,
  changes: readonly Adaptation[],
  render: AdaptedRenderOptions["render"],
): Attempt {
  let form = request;
  const adaptations: string[] = [];
  for (const { apply, description } of changes) {
    const changed = apply(form);
    if (changed !== form) adaptations.push(description);
    form = changed;
  }
  try {
    const prompt = { ...render(form), adaptations };
    return { form, prompt, isWhole: showsAll(form, prompt.text) };
  } catch (refusal) {
    if (!isTemplateRefusal(refusal)) throw refusal;
    return { form, refusal, isWhole: false };
  }
}

function systemAlone(cause: unknown): ServerError {
  const message =
    "The conversation has a system message only, which the model's chat template does not show: add a message of the user.";
  return new ServerError("invalid_request", { message, param: "messages" }, { cause });
}

function isTemplateRefusal(error: unknown): boolean {
  if (!(error instanceof ServerError) || error.cause instanceof TemplateLimitError) return false;
  return error.cause instanceof TemplateRaisedError || error.cause instanceof TemplateRunError;
}

/**
 * Every text of the application and of the user is in the prompt, and what the assistant said before its calls. Results of tools may be
 * written as JSON, so they are not looked for.
 */
function showsAll({ messages }: ChatRequest, prompt: string): boolean {
  return messages.every((message) => {
    if (message.role === "tool" || message.content === null) return true;
    if (message.role === "assistant" && message.toolCalls.length === 0) return true;
    return message.content.every((part) => part.type !== "text" || prompt.includes(lookedFor(message.role, part.text)));
  });
}

/** Templates take reasoning off the beginning of an assistant's text, so of that the last line is looked for. */
function lookedFor(role: ChatMessage["role"], text: string): string {
  const trimmed = text.trim();
  return role === "assistant" ? trimmed.slice(trimmed.lastIndexOf("\n") + 1) : trimmed;
}
