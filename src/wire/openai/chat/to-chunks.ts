// Maps the events of a chat to server-sent events, whose data is JSON text. This runs once per token, so everything that does not
// change from chunk to chunk is made once, and only what changes goes through JSON.stringify.
import type { TextEvent } from "../../../domain/text.ts";
import { toChatFinishReason, toChatLogprob } from "./to-response.ts";
import type { ChatAnswerContext } from "./to-response.ts";
import type { SseEvent } from "../../sse-event.ts";
import { obfuscate } from "../shared/text-response.ts";
import type { StreamOptions } from "../shared/text-response.ts";
import { toCompletionUsage } from "../shared/usage.ts";

/** Maps an event to its server-sent events: none, one, or for `accepted` one per choice. The dialect's end of a stream is not among them. */
export type ChunkMapper = (event: TextEvent) => readonly SseEvent[];

const none: readonly SseEvent[] = [];

/** The data of each event is a `chat.completion.chunk`. */
export function createChatChunkMapper(context: ChatAnswerContext, options: StreamOptions): ChunkMapper {
  const { request, usesFunctions } = context;
  const tier = context.serviceTier === undefined ? "" : `"service_tier":${JSON.stringify(context.serviceTier)},`;
  const head =
    `{"id":${JSON.stringify(context.id)},"object":"chat.completion.chunk","created":${context.createdSeconds},` +
    `"model":${JSON.stringify(context.model)},${tier}"system_fingerprint":${JSON.stringify(context.fingerprint)},"choices":[`;
  const heads = Array.from({ length: request.n }, (_, choice) => `${head}{"index":${choice},"delta":{`);
  // With usage asked for, every chunk but the last carries `usage: null`; without, no chunk has the key.
  const tail = options.includeUsage ? `}],"usage":null` : "}]";
  const plainEnd = `},"logprobs":null,"finish_reason":null${tail}`;

  function chunk(choice: number, delta: string, end: string): readonly SseEvent[] {
    const text = `${heads[choice] ?? ""}${delta}${end}`;
    return [{ data: options.includeObfuscation ? `${text},"obfuscation":"${obfuscate(delta.length)}"}` : `${text}}` }];
  }

  return (event) => {
    switch (event.type) {
      case "accepted":
        return heads.flatMap((_, choice) => chunk(choice, `"role":"assistant","content":"","refusal":null`, plainEnd));
      case "text-delta": {
        const delta = `"content":${JSON.stringify(event.text)}`;
        if (event.logprobs === undefined || request.topLogprobs === null) {
          return event.text === "" ? none : chunk(event.choice, delta, plainEnd);
        }
        const logprobs = JSON.stringify({ content: event.logprobs.map(toChatLogprob), refusal: null });
        return chunk(event.choice, delta, `},"logprobs":${logprobs},"finish_reason":null${tail}`);
      }
      case "reasoning-delta":
        return chunk(event.choice, `"reasoning_content":${JSON.stringify(event.text)}`, plainEnd);
      case "part-start": {
        const { part } = event;
        // Text and reasoning begin with their first delta.
        if (part.type !== "tool-call") return none;
        const opened = `{"name":${JSON.stringify(part.name)},"arguments":""}`;
        const delta = usesFunctions
          ? `"function_call":${opened}`
          : `"tool_calls":[{"index":${part.index},"id":${JSON.stringify(part.id)},"type":"function","function":${opened}}]`;
        return chunk(event.choice, delta, plainEnd);
      }
      case "tool-call-delta": {
        const piece = `{"arguments":${JSON.stringify(event.arguments)}}`;
        const delta = usesFunctions
          ? `"function_call":${piece}`
          : `"tool_calls":[{"index":${event.index},"function":${piece}}]`;
        return chunk(event.choice, delta, plainEnd);
      }
      case "part-end":
        return none;
      case "choice-end": {
        const reason = toChatFinishReason(event.reason, context);
        return chunk(event.choice, "", `},"logprobs":null,"finish_reason":"${reason}"${tail}`);
      }
      case "finish": {
        if (!options.includeUsage) return none;
        return [{ data: `${head}],"usage":${JSON.stringify(toCompletionUsage(event.usage))}}` }];
      }
    }
  };
}
