import { describe, expect, it } from "vitest";
import { differences } from "../../../scripts/goldens/compare.ts";

describe("golden values made anew", () => {
  it("may differ in fractions by the tolerance, and in nothing else", () => {
    const committed = { text: "a", ids: [1, 2], logprob: -0.5, nested: [{ top: [[3, -1.25]] }] };
    expect(differences({ committed, made: structuredClone(committed) }, 0.01)).toEqual([]);
    expect(differences({ committed, made: { ...committed, logprob: -0.505 } }, 0.01)).toEqual([]);
    expect(differences({ committed, made: { ...committed, logprob: -0.52 } }, 0.01)).toEqual([
      "/logprob: -0.5 is not -0.52",
    ]);
    expect(differences({ committed, made: { ...committed, text: "b" } }, 0.01)).toEqual(['/text: "a" is not "b"']);
    expect(differences({ committed, made: { ...committed, ids: [1, 3] } }, 5)).toEqual(["/ids/1: 2 is not 3"]);
  });

  it("differ where something is missing or new", () => {
    expect(differences({ committed: { a: 1 }, made: {} }, 0.01)).toEqual(["/a: 1 is not undefined"]);
    expect(differences({ committed: [1], made: [1, 2] }, 0.01)).toEqual(["/1: undefined is not 2"]);
  });
});
