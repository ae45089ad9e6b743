// POST /v1/chat/completions: what makes a request valid.
import type { RequestContract } from "../../contract/contract.ts";
import { chatCompletionFields, chatCompletionRequest, type ChatCompletionRequest } from "./request.ts";
import { checkChatRequest } from "./rules.ts";

export const chatCompletionContract: RequestContract<ChatCompletionRequest> = {
  schema: chatCompletionRequest,
  fields: chatCompletionFields,
  check: checkChatRequest,
};
