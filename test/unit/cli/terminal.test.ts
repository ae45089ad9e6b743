import { describe, expect, it } from "vitest";
import { formatTable } from "../../../src/cli/terminal.ts";

describe("formatTable", () => {
  it("aligns columns and leaves no blank at the end of a line", () => {
    expect(
      formatTable([
        ["a", "long", ""],
        ["longer", "b", "c"],
      ]),
    ).toEqual(["a       long", "longer  b     c"]);
  });
});
