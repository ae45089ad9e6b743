import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { memoryAmount, parseDurationMs, parseSizeBytes } from "../../../src/config/schema/values.ts";
import { toBudgetBytes } from "../../../src/config/load-configuration.ts";

describe("parseDurationMs", () => {
  it.each([
    ["500ms", 500],
    ["30s", 30_000],
    ["5m", 300_000],
    ["1.5h", 5_400_000],
    ["1d", 86_400_000],
    ["5 m", 300_000],
    ["0", 0],
    ["90", 90_000],
  ])("reads %s", (text, expected) => {
    expect(parseDurationMs(text)).toBe(expected);
  });

  it.each(["", "m", "5 parsecs", "-5s", "5M", "1h30m", "Infinity"])("refuses %j", (text) => {
    expect(parseDurationMs(text)).toBeNull();
  });

  it("reads back any whole number of any unit", () => {
    const factors = { ms: 1, s: 1e3, m: 6e4, h: 3.6e6, d: 8.64e7 };
    fc.assert(
      fc.property(fc.nat(100_000), fc.constantFrom(...Object.entries(factors)), (count, [unit, factor]) => {
        expect(parseDurationMs(`${count}${unit}`)).toBe(count * factor);
      }),
    );
  });
});

describe("parseSizeBytes", () => {
  it.each([
    ["25MB", 25_000_000],
    ["25mb", 25_000_000],
    ["2GiB", 2_147_483_648],
    ["0.5 KiB", 512],
    ["1024", 1024],
    ["10B", 10],
  ])("reads %s", (text, expected) => {
    expect(parseSizeBytes(text)).toBe(expected);
  });

  it.each(["", "MB", "-1MB", "2G", "25 Megabytes", "1iB"])("refuses %j", (text) => {
    expect(parseSizeBytes(text)).toBeNull();
  });
});

describe("the memory budget", () => {
  it.each([
    ["auto", 800],
    ["60%", 600],
    ["12.5 %", 125],
    ["2KiB", 2048],
    [64, 64],
  ])("of %s of a machine of 1000 bytes is %d bytes", (written, expected) => {
    expect(toBudgetBytes(memoryAmount().parse(written), 1000)).toBe(expected);
  });
});
