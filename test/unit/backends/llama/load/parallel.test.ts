import { describe, expect, it } from "vitest";
import { resolveParallel, startOf } from "../../../../../src/backends/llama/load/parallel.ts";

const gigabyte = 2 ** 30;
const room = { contextBytes: gigabyte, budgetBytes: 20 * gigabyte, isFixed: false };

describe("the number of sequences", () => {
  it("is what is configured, whatever the budget", () => {
    expect(startOf({ parallel: 7 })).toBe(7);
    expect(resolveParallel({ parallel: 7 }, { ...room, budgetBytes: 0 })).toEqual({ start: 7, maximum: 7 });
  });

  it("may grow by an eighth of the budget for all models, to sixteen", () => {
    expect(resolveParallel({ parallel: "auto" }, room)).toEqual({ start: 4, maximum: 14 });
    expect(resolveParallel({ parallel: "auto" }, { ...room, budgetBytes: 200 * gigabyte }).maximum).toBe(16);
    expect(resolveParallel({ parallel: "auto" }, { ...room, budgetBytes: gigabyte }).maximum).toBe(4);
  });

  it("does not grow where the context cannot", () => {
    expect(resolveParallel({ parallel: "auto" }, { ...room, isFixed: true })).toEqual({ start: 4, maximum: 4 });
  });
});
