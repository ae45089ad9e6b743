// Builds the schemas of all endpoints ahead of the first request. They are built lazily, to keep them out of the time
// until the server listens; done right after that, no caller waits the 10 to 30 ms that a first request would take.
import { setImmediate } from "node:timers/promises";
import { parseRequest } from "../contract/parse-request.ts";
import { chatCompletionContract } from "./chat/contract.ts";
import { completionContract } from "./completions/contract.ts";
import { embeddingContract } from "./embeddings/contract.ts";
import { imageContract } from "./images/generation.ts";

/** One schema per turn of the event loop, so that a request that is already there waits for one of them at most. */
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
