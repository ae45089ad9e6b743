import { describe, expect, it } from "vitest";
import { neededBy } from "../../support/skips/requires.ts";
import { skipSummary } from "../../support/skips/skip-reporter.ts";

describe("the summary of skipped tests", () => {
  it("counts them by reason, the most frequent first, and names those that have none", () => {
    const summary = skipSummary([
      { name: "a.test.ts > one (needs ../shared/x.json)" },
      { name: "a.test.ts > group (needs ../shared/y) > two" },
      { name: "a.test.ts > group (needs ../shared/y) > three" },
      { name: "b.test.ts > four", note: "no GPU here" },
      { name: "b.test.ts > five" },
    ]);
    expect(summary).toEqual([
      "5 tests were skipped:",
      "     2  needs ../shared/y",
      "     1  needs ../shared/x.json",
      "     1  no GPU here",
      "     1  without a reason, among them:",
      "        b.test.ts > five",
    ]);
  });

  it("says that there are none", () => {
    expect(skipSummary([])).toEqual(["No test was skipped."]);
  });
});

describe("what a test needs", () => {
  it("is read from its name", () => {
    expect(neededBy("group (needs ../shared/golden/x.json) > test")).toBe("../shared/golden/x.json");
    expect(neededBy("group (of something) > test")).toBeUndefined();
  });
});
