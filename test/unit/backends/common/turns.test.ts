import { describe, expect, it } from "vitest";
import { createTurns } from "../../../../src/backends/common/turns.ts";

const never = new AbortController().signal;

describe("turns", () => {
  it("are given one at a time, in the order they were asked for", async () => {
    const turns = createTurns();
    const order: string[] = [];
    const end = await turns.take(never);
    const others = ["a", "b", "c"].map(async (name) => {
      const endMine = await turns.take(never);
      order.push(name);
      endMine();
    });
    await Promise.resolve();
    expect(order).toEqual([]);
    expect(turns.waiting).toBe(3);
    end();
    await Promise.all(others);
    expect(order).toEqual(["a", "b", "c"]);
    expect(turns.waiting).toBe(0);
  });

  it("skip a caller whose signal aborts while it waits", async () => {
    const turns = createTurns();
    const abort = new AbortController();
    const end = await turns.take(never);
    const leaving = turns.take(abort.signal);
    const staying = turns.take(never);
    abort.abort(new Error("gone"));
    await expect(leaving).rejects.toThrow("gone");
    end();
    (await staying)();
    (await turns.take(never))();
  });

  it("end once, however often the end is called", async () => {
    const turns = createTurns();
    const end = await turns.take(never);
    const second = turns.take(never);
    const third = turns.take(never);
    end();
    end();
    const endSecond = await second;
    expect(turns.waiting).toBe(1);
    endSecond();
    (await third)();
  });

  it("are refused to a signal that has aborted", async () => {
    await expect(createTurns().take(AbortSignal.abort(new Error("late")))).rejects.toThrow("late");
  });
});
