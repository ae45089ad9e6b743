import { describe, expect, it } from "vitest";
import { chooseThreads, threadCandidates } from "../../../../../src/backends/llama/native/thread-calibration.ts";

describe("threadCandidates", () => {
  it("has few counts, ascending, with all cores and fewer among them", () => {
    expect(threadCandidates(1)).toEqual([1]);
    expect(threadCandidates(2)).toEqual([1, 2]);
    expect(threadCandidates(8)).toEqual([4, 6, 7, 8]);
  });
});

describe("chooseThreads", () => {
  it("takes the fastest count, but a smaller one where the larger is hardly faster", () => {
    expect(
      chooseThreads([
        { threads: 1, milliseconds: 20 },
        { threads: 2, milliseconds: 11 },
      ]),
    ).toBe(2);
    expect(
      chooseThreads([
        { threads: 1, milliseconds: 20 },
        { threads: 2, milliseconds: 19.9 },
      ]),
    ).toBe(1);
    expect(
      chooseThreads([
        { threads: 4, milliseconds: 10 },
        { threads: 8, milliseconds: 400 },
      ]),
    ).toBe(4);
  });
});
