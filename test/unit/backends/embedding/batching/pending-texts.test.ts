import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  addRequest,
  endTurn,
  nothingPending,
  removeRequest,
  takeMicroBatch,
  type PendingTexts,
} from "../../../../../src/backends/embedding/batching/pending-texts.ts";

const limits = { maxBatchTokens: 256, maxPaddingShare: 0.1 };

/** Owners of the micro-batches in order, each as the set of requests in it. */
function drain(pending: PendingTexts): number[][] {
  const batches: number[][] = [];
  for (let state = pending; ;) {
    const { batch, request, rest } = takeMicroBatch(state, limits);
    if (request === undefined) return batches;
    batches.push([...new Set(batch.map((text) => text.request))]);
    state = endTurn(rest, request);
  }
}

describe("the queue of texts", () => {
  it("sorts by length over all requests and remembers where each text came from", () => {
    const first = addRequest(nothingPending, { request: 1, lengths: [9, 3] });
    const both = addRequest(first, { request: 2, lengths: [5] });
    expect(both.texts).toEqual([
      { tokens: 3, request: 1, index: 1 },
      { tokens: 5, request: 2, index: 0 },
      { tokens: 9, request: 1, index: 0 },
    ]);
  });

  it("joins texts of like length from different requests in one micro-batch", () => {
    let pending = addRequest(nothingPending, { request: 1, lengths: [40] });
    pending = addRequest(pending, { request: 2, lengths: [41] });
    expect(drain(pending)).toEqual([[1, 2]]);
  });

  it("begins with the longest text of the request whose turn it is", () => {
    const pending = addRequest(nothingPending, { request: 1, lengths: [10, 200, 60] });
    expect(takeMicroBatch(pending, limits).batch).toEqual([{ tokens: 200, request: 1, index: 1 }]);
  });

  it("lets requests take turns, so that a huge one delays a small one by one micro-batch", () => {
    let pending = addRequest(nothingPending, { request: 1, lengths: Array.from({ length: 1024 }, () => 100) });
    pending = addRequest(pending, { request: 2, lengths: [10] });
    expect(drain(pending).slice(0, 3)).toEqual([[1], [2], [1]]);
  });

  it("serves a request that arrives during a micro-batch next, ahead of the one being served", () => {
    const big = addRequest(nothingPending, { request: 1, lengths: Array.from({ length: 1024 }, () => 100) });
    const running = takeMicroBatch(big, limits);
    const arrived = addRequest(running.rest, { request: 2, lengths: [10] });
    const next = takeMicroBatch(endTurn(arrived, 1), limits);
    expect(next.request).toBe(2);
  });

  it("does not let a stream of small requests starve a huge one", () => {
    let pending = addRequest(nothingPending, { request: 0, lengths: [100, 100, 100, 100, 100, 100] });
    const served: (number | undefined)[] = [];
    for (let small = 1; small <= 6; small++) {
      // A new small request arrives during every single micro-batch.
      const { request, rest } = takeMicroBatch(pending, limits);
      served.push(request);
      const arrived = addRequest(rest, { request: small, lengths: [10 * small] });
      pending = request === undefined ? arrived : endTurn(arrived, request);
    }
    expect(served.filter((request) => request === 0).length).toBeGreaterThanOrEqual(3);
  });

  it("drops all texts of a removed request and its turn", () => {
    let pending = addRequest(nothingPending, { request: 1, lengths: [10, 20] });
    pending = addRequest(pending, { request: 2, lengths: [15] });
    expect(removeRequest(pending, 1)).toEqual({ texts: [{ tokens: 15, request: 2, index: 0 }], turns: [2] });
  });

  it("evaluates every text exactly once, whatever arrives", () => {
    const requests = fc.array(fc.array(fc.integer({ min: 1, max: 512 }), { minLength: 1, maxLength: 50 }), {
      maxLength: 20,
    });
    fc.assert(
      fc.property(requests, (lengthsByRequest) => {
        let pending = nothingPending;
        for (const [request, lengths] of lengthsByRequest.entries())
          pending = addRequest(pending, { request, lengths });
        const seen = new Map<string, number>();
        for (;;) {
          const { batch, request, rest } = takeMicroBatch(pending, limits);
          if (request === undefined) break;
          for (const text of batch) {
            const key = `${text.request}/${text.index}`;
            seen.set(key, (seen.get(key) ?? 0) + 1);
          }
          pending = endTurn(rest, request);
        }
        expect(pending).toEqual(nothingPending);
        expect(seen.size).toBe(lengthsByRequest.flat().length);
        expect(new Set(seen.values()).size).toBeLessThanOrEqual(1);
      }),
    );
  });

  it("gives every request of any mix its turn within one round", () => {
    const counts = fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 2, maxLength: 12 });
    fc.assert(
      fc.property(counts, (textsByRequest) => {
        let pending = nothingPending;
        for (const [request, count] of textsByRequest.entries()) {
          pending = addRequest(pending, {
            request,
            lengths: Array.from({ length: count }, (_, i) => 200 + request + i),
          });
        }
        const firstRound = drain(pending).slice(0, textsByRequest.length).flat();
        expect(new Set(firstRound).size).toBe(textsByRequest.length);
      }),
    );
  });
});
