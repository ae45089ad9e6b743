// Renders a conversation as it was sent; where the template refuses it or leaves words of it out, in the nearest form that it shows whole.
import type { ChatRequest } from "../../../../domain/chat.ts";
import { ServerError } from "../../../../domain/errors.ts";
import { ADAPTATIONS, ONE_CALL_PER_TURN } from "./adapt-conversation.ts";
import { TemplateLimitError, TemplateRaisedError, TemplateRunError } from "./compiled-template.ts";
import type { TemplateCapabilities } from "./template-capabilities.ts";
import type { RenderedPrompt } from "../types.ts";

type Rendered = Omit<RenderedPrompt, "adaptations">;

export interface AdaptedRenderOptions {
  readonly capabilities: TemplateCapabilities;
  /** @throws ServerError caused by the template's refusal */
  readonly render: (request: ChatRequest) => Rendered;
}

/**
 * The first form of the conversation that shows all its words, else the first that the template takes.
 * @throws ServerError of the first attempt when the template takes none
 */
export function renderAdapted(request: ChatRequest, options: AdaptedRenderOptions): RenderedPrompt {
  let taken: RenderedPrompt | undefined;
  let refused: unknown;
  for (const { form, adaptations } of forms(request, options.capabilities)) {
    try {
      const prompt = { ...options.render(form), adaptations };
      if (showsAll(form, prompt.text)) return prompt;
      taken ??= prompt;
    } catch (error) {
      if (!isTemplateRefusal(error)) throw error;
      refused ??= error;
    }
  }
  if (request.messages.every(({ role }) => role === "system" || role === "developer")) {
    const message =
      "The conversation has a system message only, which the model's chat template does not show: add a message of the user.";
    throw new ServerError("invalid_request", { message, param: "messages" }, { cause: refused });
  }
  if (taken !== undefined) return taken;
  throw refused;
}

interface Form {
  readonly form: ChatRequest;
  readonly adaptations: readonly string[];
}

function* forms(request: ChatRequest, capabilities: TemplateCapabilities): Generator<Form> {
  // A template that shows one call would leave the others out in silence.
  let form = capabilities.toolCalls && !capabilities.parallelToolCalls ? ONE_CALL_PER_TURN.apply(request) : request;
  const adaptations = form === request ? [] : [ONE_CALL_PER_TURN.description];
  yield { form, adaptations: [...adaptations] };
  for (const { apply, description } of ADAPTATIONS) {
    const next = apply(form);
    if (next === form) continue;
    form = next;
    adaptations.push(description);
    yield { form, adaptations: [...adaptations] };
  }
}

function isTemplateRefusal(error: unknown): boolean {
  if (!(error instanceof ServerError) || error.cause instanceof TemplateLimitError) return false;
  return error.cause instanceof TemplateRaisedError || error.cause instanceof TemplateRunError;
}

/** Every text of the application and of the user is in the prompt. Results of tools may be written as JSON, so they are not looked for. */
function showsAll({ messages }: ChatRequest, prompt: string): boolean {
  return messages.every(
    (message) =>
      message.role === "assistant" ||
      message.role === "tool" ||
      message.content.every((part) => part.type !== "text" || prompt.includes(part.text.trim())),
  );
}
