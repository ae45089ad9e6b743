// The contracts of all endpoints without their types, for tests that hold for each of them.
import { parseRequest } from "../../../../src/wire/contract/parse-request.ts";
import { chatCompletionContract } from "../../../../src/wire/openai/chat/contract.ts";
import { completionContract } from "../../../../src/wire/openai/completions/contract.ts";
import type { RequestContract } from "../../../../src/wire/contract/contract.ts";
import { embeddingContract } from "../../../../src/wire/openai/embeddings/contract.ts";
import type { FieldTable } from "../../../../src/wire/contract/field-table.ts";
import { imageEditContract } from "../../../../src/wire/openai/images/edit.ts";
import { imageContract } from "../../../../src/wire/openai/images/generation.ts";
import { rerankContract } from "../../../../src/wire/rerank/contract.ts";

export interface AnyContract {
  readonly name: string;
  readonly fields: FieldTable;
  /** Top-level fields of the schema. */
  readonly known: () => string[];
  readonly parse: (body: unknown) => unknown;
  /** The smallest valid body. */
  readonly smallest: Readonly<Record<string, unknown>>;
  /** Components of OpenAI's document that describe the same request. */
  readonly components: readonly string[];
}

export const anyContracts: readonly AnyContract[] = [
  of("chat", chatCompletionContract, {
    smallest: { model: "m", messages: [{ role: "user", content: "hi" }] },
    components: ["CreateChatCompletionRequest"],
  }),
  of("completions", completionContract, {
    smallest: { model: "m", prompt: "p" },
    components: ["CreateCompletionRequest"],
  }),
  of("embeddings", embeddingContract, { smallest: { input: "x" }, components: ["CreateEmbeddingRequest"] }),
  of("images", imageContract, { smallest: { model: "m", prompt: "p" }, components: ["CreateImageRequest"] }),
  of("image edits", imageEditContract, {
    smallest: { model: "m", prompt: "p", image: Uint8Array.of(1) },
    components: ["CreateImageEditRequest", "EditImageBodyJsonParam"],
  }),
  of("rerank", rerankContract, { smallest: { model: "m", query: "q", documents: ["d"] }, components: [] }),
];

function of<T>(
  name: string,
  contract: RequestContract<T>,
  facts: Pick<AnyContract, "smallest" | "components">,
): AnyContract {
  return {
    name,
    fields: contract.fields,
    known: () => Object.keys((contract.schema() as unknown as { shape: object }).shape),
    parse: (body) => parseRequest(contract, body),
    ...facts,
  };
}
