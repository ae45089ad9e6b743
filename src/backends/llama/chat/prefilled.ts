// What a prompt already holds of the answer: the end of a last assistant message that is continued, and reasoning that is open.
import type { ChatRequest } from "../../../domain/chat.ts";
import type { ChatFamily, ReasoningMarkers } from "./types.ts";

export interface Beginning {
  /** The reasoning that the prompt ends in; `undefined` = it does not. */
  readonly openReasoning: ReasoningMarkers | undefined;
  /** The model has closed its reasoning, or the template has done it for one that should not think. */
  readonly hasThought: boolean;
  /** The answer's text so far, without reasoning and white space before it. */
  readonly text: string;
}

/** Reads off a prompt, and the message that it continues, where in the answer it ends. */
export function findBeginning(request: ChatRequest, prompt: string, { reasoning, channels }: ChatFamily): Beginning {
  const end = prompt.trimEnd();
  const opened = reasoning.find(({ open }) => end.endsWith(open));
  if (opened !== undefined) return { openReasoning: opened, hasThought: false, text: "" };
  // Where messages have channels, reasoning ends like any other message, such as the user's.
  const hasThought = channels === undefined && reasoning.some(({ close }) => end.endsWith(close));
  const nothing = { openReasoning: undefined, hasThought, text: "" };
  const last = request.messages.at(-1);
  if (request.addGenerationPrompt || last?.role !== "assistant" || last.toolCalls.length > 0) return nothing;
  const content = (last.content ?? []).map((part) => (part.type === "text" ? part.text : "")).join("\n");
  const { text, thought } = splitThought(content, reasoning);
  if (text !== "") return { openReasoning: undefined, hasThought: true, text };
  // The template may leave reasoning out, or close it: the prompt tells.
  const isOpen = ({ open, close }: ReasoningMarkers): boolean => prompt.lastIndexOf(open) > prompt.lastIndexOf(close);
  const written = (thought ?? last.reasoning ?? "").trimEnd();
  const open = written !== "" && end.endsWith(written) ? reasoning.find(isOpen) : undefined;
  return open === undefined ? nothing : { openReasoning: open, hasThought: false, text: "" };
}

/** The text behind reasoning that is written out in the content, and that reasoning where it is not closed. */
function splitThought(
  content: string,
  reasoning: readonly ReasoningMarkers[],
): { readonly text: string; readonly thought: string | undefined } {
  const start = content.trimStart();
  const markers = reasoning.find(({ open }) => start.startsWith(open));
  if (markers === undefined) return { text: start, thought: undefined };
  const end = start.indexOf(markers.close);
  if (end === -1) return { text: "", thought: start.slice(markers.open.length) };
  return { text: start.slice(end + markers.close.length).trimStart(), thought: undefined };
}
