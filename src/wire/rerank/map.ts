// Maps rerank requests to the domain's, and results to answers.
import type { RerankRequest, RerankResult } from "../../domain/embedding.ts";
import { given } from "../contract/common.ts";
import type { RerankRequestWire, RerankResponse } from "./contract.ts";

/** `request` has passed the rerank contract. */
export function toRerankRequest(request: RerankRequestWire): RerankRequest {
  const { query, documents, raw_scores: rawScores } = request;
  return { query, documents: documents.map(toText), ...given("rawScores", rawScores) };
}

/** The caller's name for a path in the domain's rerank request: the two name alike what can be at fault. */
export function toRerankParam(path: string): string {
  return path;
}

export interface RerankAnswer {
  readonly id: string;
  readonly model: string;
  readonly request: Pick<RerankRequestWire, "documents" | "top_n" | "return_documents">;
}

/** Puts the best documents first, and of equal scores the earlier one. A `top_n` beyond the documents means all of them. */
export function toRerankResponse(result: RerankResult, answer: RerankAnswer): RerankResponse {
  const { documents, top_n: topN, return_documents: returnDocuments } = answer.request;
  const results = result.scores
    .map((score, index) => ({ index, relevance_score: score }))
    .sort((a, b) => b.relevance_score - a.relevance_score || a.index - b.index)
    .slice(0, topN ?? result.scores.length)
    .map((entry) => {
      const document = documents[entry.index];
      return returnDocuments === true && document !== undefined
        ? { ...entry, document: { text: toText(document) } }
        : entry;
    });
  return {
    id: answer.id,
    object: "list",
    model: answer.model,
    results,
    usage: { prompt_tokens: result.promptTokens, total_tokens: result.promptTokens },
  };
}

function toText(document: RerankRequestWire["documents"][number]): string {
  return typeof document === "string" ? document : document.text;
}
