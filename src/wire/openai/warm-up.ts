// Builds the schemas of chat, embeddings, completions and image generations ahead of the first request. Schemas are built lazily, which
// keeps them out of the time until the server listens; built right after that, they cost no caller the 10 to 30 ms of a first request.
import { setImmediate } from "node:timers/promises";
import { parseRequest } from "../contract/parse-request.ts";
import { chatCompletionContract } from "./chat/contract.ts";
import { completionContract } from "./completions/contract.ts";
import { embeddingContract } from "./embeddings/contract.ts";
import { imageContract } from "./images/generation.ts";

/** Builds one schema per turn of the event loop, so that a request that is already there waits for at most one of them. */
export async function warmUpSchemas(signal: AbortSignal): Promise<void> {
  const first = [
    () => parseRequest(chatCompletionContract, { model: "warm-up", messages: [{ role: "user", content: "x" }] }),
    () => parseRequest(embeddingContract, { input: "x" }),
    () => parseRequest(completionContract, { model: "warm-up", prompt: "x" }),
    () => parseRequest(imageContract, { model: "warm-up", prompt: "x" }),
  ];
  for (const parse of first) {
    await setImmediate(undefined, { signal });
    parse();
  }
}
