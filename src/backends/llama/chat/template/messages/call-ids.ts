// The ids that tie results to calls, in the form that a template's author expects: models that were trained on ids of one form lose
// track of the conversation where they read others, and some templates refuse them.
import type { ChatRequest } from "../../../../../domain/chat.ts";
import type { CallIdForm } from "../capabilities/template-capabilities.ts";
import type { CallerMarks } from "../caller-text.ts";

/** Messages and the calls in them are named by their indexes. */
export interface CallIds {
  ofCall(message: number, call: number): string;
  ofResult(message: number): string;
  /** The name of the tool that gave a result; `undefined` where no call has its id. */
  calledBy(message: number): string | undefined;
  /** The number of a turn's first call among all of the conversation. */
  firstNumber(message: number): number;
}

export function createCallIds(
  { messages }: Pick<ChatRequest, "messages">,
  { form, marks }: { readonly form: CallIdForm; readonly marks: Pick<CallerMarks, "text"> },
): CallIds {
  const shorten = form === "nine-characters" ? createShortener(messages) : undefined;
  const own = (id: string): string => shorten?.(id) ?? marks.text(id);
  const ids = new Map<string, string>();
  const firstNumbers = new Map<number, number>();
  // Callers may give the same id to calls of several turns: a result belongs to the latest.
  const latest = new Map<string, { readonly id: string; readonly name: string }>();
  const names = new Map<number, string>();
  let count = 0;
  for (const [index, message] of messages.entries()) {
    if (message.role === "tool") {
      const call = latest.get(message.toolCallId);
      ids.set(`${index}`, call?.id ?? own(message.toolCallId));
      if (call !== undefined) names.set(index, call.name);
    }
    if (message.role !== "assistant") continue;
    firstNumbers.set(index, count);
    for (const [position, { id, name }] of message.toolCalls.entries()) {
      const number = form === "numbered-per-turn" ? position : count;
      const made = form.startsWith("numbered") ? `functions.${marks.text(name)}:${number}` : own(id);
      ids.set(`${index}.${position}`, made);
      latest.set(id, { id: made, name });
      count += 1;
    }
  }
  return {
    ofCall: (message, call) => ids.get(`${message}.${call}`) ?? "",
    ofResult: (message) => ids.get(`${message}`) ?? "",
    calledBy: (message) => names.get(message),
    firstNumber: (message) => firstNumbers.get(message) ?? 0,
  };
}

function createShortener(messages: ChatRequest["messages"]): (id: string) => string {
  const isFitting = (id: string): boolean => /^[A-Za-z0-9]{9}$/.test(id);
  const taken = new Set(
    messages.flatMap((message) => {
      if (message.role === "tool") return [message.toolCallId];
      return message.role === "assistant" ? message.toolCalls.map(({ id }) => id) : [];
    }),
  );
  const mapped = new Map<string, string>();
  let next = 0;
  return (id) => {
    if (isFitting(id)) return id;
    let known = mapped.get(id);
    while (known === undefined) {
      const free = `call${String(next).padStart(5, "0")}`;
      next += 1;
      // The caller may use an id of this form for another call.
      if (!taken.has(free)) known = free;
    }
    mapped.set(id, known);
    return known;
  };
}
