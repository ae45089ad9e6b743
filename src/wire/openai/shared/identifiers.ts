// Ids of answers, in the form that OpenAI's clients know.
import { randomUUID } from "node:crypto";

export type IdPrefix = "chatcmpl" | "cmpl" | "rerank";

/** A fresh id such as `chatcmpl-6f1c…`: the prefix and 32 hexadecimal digits. */
export function createId(prefix: IdPrefix): string {
  return `${prefix}-${randomUUID().replaceAll("-", "")}`;
}
