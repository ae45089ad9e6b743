// One part of a tokenizer.json: a normaliser, a splitter, a model or a template, of the kind that its `type` names.
import { ServerError } from "../../../../domain/errors.ts";

export type TokenizerPart = Readonly<Record<string, unknown>> & { readonly type?: unknown };

export function unsupportedPart(kind: string, part: TokenizerPart): ServerError {
  const name = typeof part.type === "string" ? `'${part.type}'` : "without a type";
  return new ServerError("model_load_failed", `The tokenizer.json has a ${kind} ${name}, which is not supported.`);
}
