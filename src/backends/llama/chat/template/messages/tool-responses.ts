// Results of tools inside the turn that called them, for templates that look for them there (`tool_responses`, Gemma 4's first ones).
import type { TemplateMessage } from "./template-message.ts";

/**
 * Moves results into the turn before them. What the assistant says next belongs to that turn as well: the template leaves it open behind
 * the results.
 */
export function putResponsesInTurns(messages: readonly TemplateMessage[]): TemplateMessage[] {
  const turns: TemplateMessage[] = [];
  for (const message of messages) {
    const last = turns.at(-1);
    const responses = last === undefined ? undefined : responsesOf(last);
    if (last === undefined || responses === undefined || isSpoken(last)) turns.push(message);
    else if (message.role === "tool") {
      const response = { name: message["name"], response: message.content };
      turns[turns.length - 1] = { ...last, tool_responses: [...responses, response] };
    } else if (message.role === "assistant" && message["tool_calls"] === undefined && responses.length > 0) {
      turns[turns.length - 1] = { ...last, content: message.content };
    } else turns.push(message);
  }
  return turns;
}

/** The results that a turn has so far; `undefined` where it calls no tool. */
function responsesOf(message: TemplateMessage): readonly unknown[] | undefined {
  if (message["tool_calls"] === undefined) return undefined;
  const responses = message["tool_responses"];
  return Array.isArray(responses) ? responses : [];
}

function isSpoken({ content }: TemplateMessage): boolean {
  return content !== null && content.length > 0;
}
