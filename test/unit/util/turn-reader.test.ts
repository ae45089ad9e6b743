import { setImmediate as nextTurn } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { TurnReader } from "../../../src/util/turn-reader.ts";

describe("TurnReader", () => {
  it("takes together what is there together", async () => {
    async function* source(): AsyncGenerator<number, void, undefined> {
      yield 1;
      yield 2;
      await nextTurn();
      await nextTurn();
      yield 3;
    }
    const turns = new TurnReader(source());
    expect(await turns.next()).toEqual({ values: [1, 2], done: false });
    expect(await turns.next()).toEqual({ values: [3], done: true });
  });

  it("hands out what came before an error first", async () => {
    async function* source(): AsyncGenerator<number, void, undefined> {
      yield 1;
      yield 2;
      throw new Error("broken");
    }
    const turns = new TurnReader(source());
    expect(await turns.next()).toEqual({ values: [1, 2], done: false });
    await expect(turns.next()).rejects.toThrow("broken");
  });

  it("ends a turn although the producer never pauses", async () => {
    async function* source(): AsyncGenerator<number, void, undefined> {
      for (let index = 0; ; index += 1) yield index;
    }
    const turns = new TurnReader(source());
    const first = await turns.next();
    const second = await turns.next();
    expect(second.values[0]).toBe(first.values.length);
  });

  it("loses and doubles nothing", async () => {
    async function* source(): AsyncGenerator<number, void, undefined> {
      for (let index = 0; index < 500; index += 1) {
        if (index % 7 === 0) await nextTurn();
        yield index;
      }
    }
    const turns = new TurnReader(source());
    const all: number[] = [];
    for (let done = false; !done;) {
      const turn = await turns.next();
      all.push(...turn.values);
      done = turn.done;
    }
    expect(all).toEqual(Array.from({ length: 500 }, (_, index) => index));
  });
});
