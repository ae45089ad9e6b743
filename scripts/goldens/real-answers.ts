// What llama-server answers on real weights: token ids, greedy continuations, a context that is full, rendered conversations.

import { tokenisedTexts } from "./cases.ts";
import { complete, kept, type KeptAnswer, tokenised, type TokenisedText, withServer } from "./questions.ts";
import {
  brimPrompt,
  brimText,
  brimTokens,
  greedyTokens,
  realConversations,
  realModelPath,
  type RealModel,
} from "./real-models.ts";

export interface RealAnswers {
  readonly greedy: Readonly<Record<string, KeptAnswer>>;
  /** Of a full context; left out where it was not asked for, as it takes minutes. */
  readonly brim?: KeptAnswer;
  readonly texts: readonly TokenisedText[];
  readonly rendered: Readonly<Record<string, string>>;
}

/** Starts llama-server on the model and asks. Two threads, as a context of 8,192 tokens takes a while. */
export async function askReference(model: RealModel, { full = true } = {}): Promise<RealAnswers> {
  return withServer(realModelPath(model), ["-c", String(model.context), "-t", "2"], async (server) => {
    const greedy: Record<string, KeptAnswer> = {};
    for (const [name, prompt] of Object.entries(model.prompts)) {
      greedy[name] = kept(await complete(server, { prompt, n_predict: greedyTokens }));
    }
    const brim = full
      ? kept(
          await complete(server, {
            prompt: brimPrompt((await tokenised(server, brimText)).plain, model),
            n_predict: brimTokens,
          }),
        )
      : undefined;
    const texts = [];
    for (const text of tokenisedTexts) texts.push(await tokenised(server, text));
    const rendered: Record<string, string> = {};
    if (model.chats) {
      for (const [name, conversation] of Object.entries(realConversations)) {
        const { status, body } = await server.ask("/apply-template", conversation);
        if (status === 200) rendered[name] = (body as { prompt: string }).prompt;
      }
    }
    return { greedy, ...(brim === undefined ? {} : { brim }), texts, rendered };
  });
}
