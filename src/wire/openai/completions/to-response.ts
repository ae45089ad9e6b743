// Maps the events of a text completion to one `text_completion` object, or to the server-sent events of its stream.
import type { CompletionRequest } from "../../../domain/completion.ts";
import type { FinishReason, TextEvent, TextUsage, TokenLogprob } from "../../../domain/text.ts";
import type { Completion } from "./contract.ts";
import type { ChunkMapper } from "../chat/to-chunks.ts";
import type { SseEvent } from "../../sse-event.ts";
import { createCompletionLogprobsMapper } from "./logprobs.ts";
import { obfuscate, toTextFinishReason } from "../shared/text-response.ts";
import type { AnswerHeader, StreamOptions } from "../shared/text-response.ts";
import { toCompletionUsage } from "../shared/usage.ts";

export interface CompletionAnswerContext extends AnswerHeader {
  /** The fields of the request on which the form of the answer depends. */
  readonly request: Pick<CompletionRequest, "prompts" | "n" | "topLogprobs">;
}

interface ChoiceState {
  text: string;
  readonly tokens: TokenLogprob[];
  finishReason: FinishReason | null;
}

const none: readonly SseEvent[] = [];

/** Collects the events of one completion. Throws what `events` throws. */
export async function collectCompletion(
  events: AsyncIterable<TextEvent>,
  context: CompletionAnswerContext,
): Promise<Completion> {
  const builder = createCompletionBuilder(context);
  for await (const event of events) builder.add(event);
  return builder.build();
}

/** The same for events that the caller adds itself; `build` may be called once `finish` was added. */
function createCompletionBuilder(context: CompletionAnswerContext): {
  add(event: TextEvent): void;
  build(): Completion;
} {
  const { request } = context;
  const choices = Array.from({ length: request.prompts.length * request.n }, (): ChoiceState => ({
    text: "",
    tokens: [],
    finishReason: null,
  }));
  let usage: TextUsage | null = null;

  function choiceOf(index: number): ChoiceState {
    const choice = choices[index];
    if (choice === undefined) throw new RangeError(`Event for choice ${index} of ${choices.length}.`);
    return choice;
  }

  return {
    add(event) {
      switch (event.type) {
        case "text-delta": {
          const choice = choiceOf(event.choice);
          choice.text += event.text;
          for (const token of event.logprobs ?? []) choice.tokens.push(token);
          return;
        }
        case "reasoning-delta":
          // A completion has no field for reasoning: it is text like any other.
          choiceOf(event.choice).text += event.text;
          return;
        case "choice-end":
          choiceOf(event.choice).finishReason = event.reason;
          return;
        case "finish":
          usage = event.usage;
          return;
        case "accepted":
        case "part-start":
        case "part-end":
        case "tool-call-delta":
          // Completions know neither parts nor tools.
          return;
      }
    },
    build() {
      if (usage === null) throw new Error("A completion ended without usage.");
      return {
        id: context.id,
        object: "text_completion",
        created: context.createdSeconds,
        model: context.model,
        system_fingerprint: context.fingerprint,
        choices: choices.map((choice, index) => {
          if (choice.finishReason === null) throw new Error(`Choice ${index} of a completion ended without a reason.`);
          return {
            text: choice.text,
            index,
            logprobs: request.topLogprobs === null ? null : createCompletionLogprobsMapper()(choice.tokens),
            finish_reason: toTextFinishReason(choice.finishReason),
          };
        }),
        usage: toCompletionUsage(usage),
      };
    },
  };
}

/** The data of each event is a `text_completion` object. See `chat/to-chunks.ts` for why this makes text rather than objects. */
export function createCompletionChunkMapper(context: CompletionAnswerContext, options: StreamOptions): ChunkMapper {
  const { request } = context;
  const head =
    `{"id":${JSON.stringify(context.id)},"object":"text_completion","created":${context.createdSeconds},` +
    `"model":${JSON.stringify(context.model)},"system_fingerprint":${JSON.stringify(context.fingerprint)},"choices":[`;
  const count = request.prompts.length * request.n;
  const heads = Array.from({ length: count }, (_, choice) => `${head}{"index":${choice},"text":`);
  const tail = options.includeUsage ? `}],"usage":null` : "}]";
  const plainEnd = `,"logprobs":null,"finish_reason":null${tail}`;
  const logprobsMappers = request.topLogprobs === null ? null : heads.map(() => createCompletionLogprobsMapper());

  function chunk(choice: number, text: string, end: string): readonly SseEvent[] {
    const content = JSON.stringify(text);
    const data = `${heads[choice] ?? ""}${content}${end}`;
    return [
      { data: options.includeObfuscation ? `${data},"obfuscation":"${obfuscate(content.length)}"}` : `${data}}` },
    ];
  }

  return (event) => {
    switch (event.type) {
      case "text-delta": {
        const toLogprobs = logprobsMappers?.[event.choice];
        if (toLogprobs === undefined || event.logprobs === undefined) {
          return event.text === "" ? none : chunk(event.choice, event.text, plainEnd);
        }
        const logprobs = JSON.stringify(toLogprobs(event.logprobs));
        return chunk(event.choice, event.text, `,"logprobs":${logprobs},"finish_reason":null${tail}`);
      }
      case "reasoning-delta":
        return chunk(event.choice, event.text, plainEnd);
      case "choice-end":
        return chunk(event.choice, "", `,"logprobs":null,"finish_reason":"${toTextFinishReason(event.reason)}"${tail}`);
      case "finish": {
        if (!options.includeUsage) return none;
        return [{ data: `${head}],"usage":${JSON.stringify(toCompletionUsage(event.usage))}}` }];
      }
      case "accepted":
      case "part-start":
      case "part-end":
      case "tool-call-delta":
        return none;
    }
  };
}
