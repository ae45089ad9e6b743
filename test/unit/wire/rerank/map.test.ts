import { describe, expect, it } from "vitest";
import { toRerankRequest, toRerankResponse } from "../../../../src/wire/rerank/map.ts";
import { parseRequest } from "../../../../src/wire/contract/parse-request.ts";
import { rerankContract, rerankResponse } from "../../../../src/wire/rerank/contract.ts";

const timings = { tokenizeMs: 0, queueMs: 0, inferenceMs: 0 };
const base = { model: "m", query: "q", documents: ["a", { text: "b" }, "c"] };

function answer(fields: Record<string, unknown>, scores: readonly number[] = [0.1, 0.9, 0.1]) {
  const request = parseRequest(rerankContract, { ...base, ...fields });
  const response = toRerankResponse({ scores, promptTokens: 12, timings }, { id: "rerank-1", model: "m", request });
  expect(rerankResponse().strict().parse(response)).toEqual(response);
  return response;
}

describe("reranking", () => {
  it("takes documents as strings and as objects", () => {
    expect(toRerankRequest(parseRequest(rerankContract, base))).toEqual({ query: "q", documents: ["a", "b", "c"] });
  });

  it("sorts by score, equal scores by index", () => {
    expect(answer({}).results).toEqual([
      { index: 1, relevance_score: 0.9 },
      { index: 0, relevance_score: 0.1 },
      { index: 2, relevance_score: 0.1 },
    ]);
    expect(answer({}).usage).toEqual({ prompt_tokens: 12, total_tokens: 12 });
  });

  it("cuts to top_n, which may be more than there are", () => {
    expect(answer({ top_n: 1 }).results).toHaveLength(1);
    expect(answer({ top_n: 99 }).results).toHaveLength(3);
  });

  it("returns documents only when asked", () => {
    expect(answer({ top_n: 1, return_documents: true }).results[0]?.document).toEqual({ text: "b" });
  });

  it.each<[Record<string, unknown>, string]>([
    [{ documents: [] }, "documents"],
    [{ documents: "a" }, "documents"],
    [{ documents: ["a", ""] }, "documents[1]"],
    [{ documents: ["a", {}] }, "documents[1].text"],
    [{ documents: [3] }, "documents[0]"],
    [{ query: "" }, "query"],
    [{ top_n: 0 }, "top_n"],
    [{ rank_fields: ["x"] }, "rank_fields"],
  ])("refuses %j naming %s", (fields, param) => {
    expect(() => answer(fields)).toThrow(expect.objectContaining({ param }));
  });
});
