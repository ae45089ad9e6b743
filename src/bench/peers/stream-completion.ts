// Streams one completion and measures at the client when its text arrives; the number of tokens is the server's.
import { createParser } from "eventsource-parser";
import { RequestFailure, type ServerClient } from "./server-client.ts";

export type TextEndpoint = "chat" | "completions";

export interface ChatTurn {
  readonly role: "user" | "assistant";
  readonly content: string;
}

export interface CompletionRequest {
  readonly endpoint: TextEndpoint;
  /** The conversation; for the completions endpoint its texts are joined to one prompt. */
  readonly turns: readonly ChatTurn[];
  readonly maxTokens: number;
}

export interface StreamedCompletion {
  readonly text: string;
  /** From the sending of the request to the first text. */
  readonly firstTextMs: number;
  /** Milliseconds between arrivals of text; several tokens may arrive at once. */
  readonly gapsMs: readonly number[];
  /** From the sending of the request to the end of the stream. */
  readonly totalMs: number;
  /** From the first text to the last. */
  readonly generationMs: number;
  /** From the server's usage; the number of arrivals where it tells none (`isCounted`). */
  readonly outputTokens: number;
  readonly isCounted: boolean;
  readonly promptTokens: number;
  readonly cachedTokens: number;
}

interface Chunk {
  readonly error?: { readonly message?: string };
  readonly choices?: readonly {
    readonly text?: string | null;
    readonly delta?: { readonly content?: string | null; readonly reasoning_content?: string | null };
  }[];
  readonly usage?: Usage | null;
}

interface Usage {
  readonly prompt_tokens?: number;
  readonly completion_tokens?: number;
  readonly prompt_tokens_details?: { readonly cached_tokens?: number } | null;
}

/** @throws RequestFailure when the server answers with an error, before or within the stream, or ends without any token */
export async function streamCompletion(
  client: ServerClient,
  request: CompletionRequest,
  signal: AbortSignal,
): Promise<StreamedCompletion> {
  const model = await client.model(signal);
  const startMs = performance.now();
  const body = await client.postStream(...toCall(model, request), signal);
  const arrivalsMs: number[] = [];
  let nowMs = startMs;
  let text = "";
  let usage: Usage | null = null;
  const parser = createParser({
    onEvent({ data }) {
      if (data === "[DONE]") return;
      const chunk = JSON.parse(data) as Chunk;
      if (chunk.error !== undefined) throw new RequestFailure(200, chunk.error.message ?? "error in mid-stream");
      usage = chunk.usage ?? usage;
      const [choice] = chunk.choices ?? [];
      const piece = `${choice?.text ?? ""}${choice?.delta?.reasoning_content ?? ""}${choice?.delta?.content ?? ""}`;
      if (piece === "") return;
      text += piece;
      arrivalsMs.push(nowMs);
    },
  });
  const decoder = new TextDecoder();
  for await (const bytes of body) {
    nowMs = performance.now();
    parser.feed(decoder.decode(bytes, { stream: true }));
  }
  return summarise({ text, arrivalsMs, startMs, endMs: performance.now(), usage });
}

/** Sends the request without streaming and returns the server's count of prompt tokens. */
export async function countPromptTokens(
  client: ServerClient,
  request: CompletionRequest,
  signal: AbortSignal,
): Promise<number> {
  const [path, body] = toCall(await client.model(signal), request);
  const { stream: _stream, stream_options: _options, ...plain } = body;
  const { value } = await client.post<{ readonly usage?: Usage }>(path, plain, signal);
  const { prompt_tokens: tokens } = value.usage ?? {};
  if (tokens === undefined) throw new RequestFailure(200, "The answer tells no usage.prompt_tokens.");
  return tokens;
}

function toCall(
  model: string,
  { endpoint, turns, maxTokens }: CompletionRequest,
): [path: string, body: Record<string, unknown>] {
  const common = {
    model,
    max_tokens: maxTokens,
    temperature: 0,
    stream: true,
    stream_options: { include_usage: true },
  };
  if (endpoint === "chat") return ["/chat/completions", { ...common, messages: turns }];
  return ["/completions", { ...common, prompt: turns.map(({ content }) => content).join("\n") }];
}

function summarise({
  text,
  arrivalsMs,
  startMs,
  endMs,
  usage,
}: {
  readonly text: string;
  readonly arrivalsMs: readonly number[];
  readonly startMs: number;
  readonly endMs: number;
  readonly usage: Usage | null;
}): StreamedCompletion {
  const outputTokens = usage?.completion_tokens ?? arrivalsMs.length;
  if (outputTokens === 0) throw new RequestFailure(200, "The stream ended without a token.");
  // Tokens may yield no text, such as the first byte of a character: then they count as come at the end.
  const first = arrivalsMs[0] ?? endMs;
  return {
    text,
    firstTextMs: first - startMs,
    gapsMs: arrivalsMs.slice(1).map((arrival, index) => arrival - (arrivalsMs[index] ?? arrival)),
    totalMs: endMs - startMs,
    generationMs: (arrivalsMs.at(-1) ?? first) - first,
    outputTokens,
    isCounted: usage?.completion_tokens === undefined,
    promptTokens: usage?.prompt_tokens ?? 0,
    cachedTokens: usage?.prompt_tokens_details?.cached_tokens ?? 0,
  };
}
