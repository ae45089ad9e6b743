import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { planBatch, planTurn } from "../../../../../../src/backends/llama/engine/plan/batch-plan.ts";

describe("planBatch", () => {
  it("puts a token of every generating sequence before any prompt", () => {
    const plan = planBatch(
      {
        decoding: [
          { slot: 0, guesses: 0 },
          { slot: 2, guesses: 0 },
        ],
        prompting: [{ slot: 1, remaining: 1000, limit: 512 }],
      },
      512,
    );
    expect(plan).toEqual({
      decoding: [
        { slot: 0, count: 1 },
        { slot: 2, count: 1 },
      ],
      prompting: [{ slot: 1, count: 510 }],
      total: 512,
    });
  });

  it("lets short prompts pass a long one, within half of the batch", () => {
    const prompting = [
      { slot: 0, remaining: 1000, limit: 512 },
      { slot: 1, remaining: 40, limit: 512 },
      { slot: 2, remaining: 300, limit: 512 },
    ];
    expect(planBatch({ decoding: [], prompting }, 512).prompting).toEqual([
      { slot: 0, count: 472 },
      { slot: 1, count: 40 },
    ]);
  });

  it("reads prompts of one length one after the other, so that the first is not held up by the second", () => {
    const prompting = [
      { slot: 0, remaining: 100, limit: 512 },
      { slot: 1, remaining: 100, limit: 512 },
    ];
    expect(planBatch({ decoding: [], prompting }, 128).prompting).toEqual([
      { slot: 0, count: 96 },
      { slot: 1, count: 32 },
    ]);
  });

  it("grants guesses only what the certain tokens leave", () => {
    const decoding = [
      { slot: 0, guesses: 6 },
      { slot: 1, guesses: 6 },
      { slot: 2, guesses: 6 },
    ];
    expect(planBatch({ decoding, prompting: [] }, 10).decoding).toEqual([
      { slot: 0, count: 7 },
      { slot: 1, count: 2 },
      { slot: 2, count: 1 },
    ]);
  });

  it("never exceeds the batch, never starves a generating sequence or the oldest prompt", () => {
    const decoding = fc.array(fc.record({ guesses: fc.nat(8) }), { maxLength: 8 });
    const prompting = fc.array(
      fc.record({ remaining: fc.integer({ min: 1, max: 2000 }), limit: fc.integer({ min: 1, max: 512 }) }),
      { maxLength: 8 },
    );
    fc.assert(
      fc.property(decoding, prompting, fc.integer({ min: 17, max: 512 }), (generating, prompts, batchSize) => {
        const plan = planBatch(
          {
            decoding: generating.map(({ guesses }, slot) => ({ slot, guesses })),
            prompting: prompts.map((prompt, index) => ({ slot: 100 + index, ...prompt })),
          },
          batchSize,
        );
        const counts = [...plan.decoding, ...plan.prompting].map(({ count }) => count);
        expect(counts.reduce((sum, count) => sum + count, 0)).toBe(plan.total);
        expect(plan.total).toBeLessThanOrEqual(batchSize);
        expect(plan.decoding).toHaveLength(generating.length);
        for (const { slot, count } of plan.prompting) {
          const prompt = prompts[slot - 100]!;
          expect(count).toBeLessThanOrEqual(Math.min(prompt.remaining, prompt.limit));
        }
        const used = plan.decoding.reduce((sum, { count }) => sum + count, 0);
        if (prompts.length > 0 && used < batchSize) expect(plan.prompting.some(({ slot }) => slot === 100)).toBe(true);
      }),
    );
  });
});

describe("planTurn, where answers must not depend on what is computed beside them", () => {
  const decoding = [
    { slot: 0, guesses: 5 },
    { slot: 3, guesses: 0 },
  ];
  const prompting = [
    { slot: 1, remaining: 600, limit: 512 },
    { slot: 2, remaining: 10, limit: 512 },
  ];

  it("computes a part of one prompt alone, then a token of every generating sequence", () => {
    const prompt = planTurn({ decoding, prompting }, { batchSize: 512, reproducible: true, hasPrompted: false });
    expect(prompt).toEqual({ decoding: [], prompting: [{ slot: 1, count: 512 }], total: 512 });
    const tokens = planTurn({ decoding, prompting }, { batchSize: 512, reproducible: true, hasPrompted: true });
    expect(tokens.prompting).toEqual([]);
    expect(tokens.decoding).toEqual([
      { slot: 0, count: 1 },
      { slot: 3, count: 1 },
    ]);
  });

  it("leaves every generating sequence room for a filler", () => {
    const many = Array.from({ length: 10 }, (_, slot) => ({ slot, guesses: 0 }));
    const plan = planTurn({ decoding: many, prompting: [] }, { batchSize: 10, reproducible: true, hasPrompted: false });
    expect(plan.decoding).toHaveLength(5);
  });
});
