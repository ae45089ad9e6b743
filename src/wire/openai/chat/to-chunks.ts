// Events of a chat -> the data of its stream events, as JSON text. This runs once per token: everything that does not
// change from chunk to chunk is made once, and only what changes goes through JSON.stringify.
import type { TextEvent } from "../../../domain/text.ts";
import { toChatFinishReason, toChatLogprob } from "./to-response.ts";
import type { ChatAnswerContext } from "./to-response.ts";
import { obfuscate } from "../shared/text-response.ts";
import type { StreamOptions } from "../shared/text-response.ts";
import { toCompletionUsage } from "../shared/usage.ts";

/** One event -> the `data` of no, one or (for `accepted`: one per choice) several server-sent events, without `[DONE]`. */
export type ChunkMapper = (event: TextEvent) => readonly string[];

const none: readonly string[] = [];

/** Each JSON text is a `chat.completion.chunk`. */
export function createChatChunkMapper(context: ChatAnswerContext, options: StreamOptions): ChunkMapper {
  const { request } = context;
  const tier = context.serviceTier === undefined ? "" : `"service_tier":${JSON.stringify(context.serviceTier)},`;
  const head =
    `{"id":${JSON.stringify(context.id)},"object":"chat.completion.chunk","created":${context.createdSeconds},` +
    `"model":${JSON.stringify(context.model)},${tier}"system_fingerprint":${JSON.stringify(context.fingerprint)},"choices":[`;
  const heads = Array.from({ length: request.n }, (_, choice) => `${head}{"index":${choice},"delta":{`);
  // Asked for usage, every chunk but the last carries `usage: null`; not asked, no chunk has the key.
  const tail = options.includeUsage ? `}],"usage":null` : "}]";
  const plainEnd = `},"logprobs":null,"finish_reason":null${tail}`;

  function chunk(choice: number, delta: string, end: string): readonly string[] {
    const text = `${heads[choice] ?? ""}${delta}${end}`;
    return [options.includeObfuscation ? `${text},"obfuscation":"${obfuscate(delta.length)}"}` : `${text}}`];
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
      case "tool-call-start": {
        const name = JSON.stringify(event.name);
        const opened = `{"name":${name},"arguments":""}`;
        const delta = request.legacyFunctions
          ? `"function_call":${opened}`
          : `"tool_calls":[{"index":${event.index},"id":${JSON.stringify(event.id)},"type":"function","function":${opened}}]`;
        return chunk(event.choice, delta, plainEnd);
      }
      case "tool-call-delta": {
        const piece = `{"arguments":${JSON.stringify(event.arguments)}}`;
        const delta = request.legacyFunctions
          ? `"function_call":${piece}`
          : `"tool_calls":[{"index":${event.index},"function":${piece}}]`;
        return chunk(event.choice, delta, plainEnd);
      }
      case "finish": {
        const reason = toChatFinishReason(event.reason, request);
        return chunk(event.choice, "", `},"logprobs":null,"finish_reason":"${reason}"${tail}`);
      }
      case "usage":
        return options.includeUsage ? [`${head}],"usage":${JSON.stringify(toCompletionUsage(event.usage))}}`] : none;
    }
  };
}
