import { describe, expect, it } from "vitest";
import { MemoryReport } from "../../../src/runners/memory-report.ts";

describe("a runner's report on its memory", () => {
  it("is made when the figure differs noticeably from the one last told, up or down", () => {
    let bytes = 6_400;
    const told: number[] = [];
    const report = new MemoryReport({ read: () => bytes, tell: (residentBytes) => told.push(residentBytes) });
    expect(report.take()).toBe(6_400);
    report.tellChange();
    bytes = 6_499;
    report.tellChange();
    expect(told).toEqual([]);
    bytes = 6_500;
    report.tellChange();
    report.tellChange();
    bytes = 6_000;
    report.tellChange();
    expect(told).toEqual([6_500, 6_000]);
  });
});
