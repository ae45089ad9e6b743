import { describe, expect, it } from "vitest";
import { createOutputChain } from "../../../../../src/backends/diffusion/output/output-chain.ts";

const bytes = (value: number) => Uint8Array.of(value);

describe("the output chain", () => {
  it("delivers in the order of the pushes, whichever file is ready first", async () => {
    const chain = createOutputChain();
    const delivered: number[] = [];
    let finishFirst = (_bytes: Uint8Array): void => {};
    chain.push(new Promise((resolve) => (finishFirst = resolve)), ([value]) => delivered.push(value!));
    chain.push(Promise.resolve(bytes(2)), ([value]) => delivered.push(value!));
    await new Promise((resolve) => setImmediate(resolve));
    expect(delivered).toEqual([]);
    finishFirst(bytes(1));
    await chain.done();
    expect(delivered).toEqual([1, 2]);
  });

  it("rejects when a file fails, and delivers none after it", async () => {
    const chain = createOutputChain();
    const delivered: number[] = [];
    chain.push(Promise.reject(new Error("no room")), () => delivered.push(1));
    chain.push(Promise.resolve(bytes(2)), () => delivered.push(2));
    await expect(chain.done()).rejects.toThrow("no room");
    expect(delivered).toEqual([]);
  });
});
