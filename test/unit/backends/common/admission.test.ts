import { describe, expect, it } from "vitest";
import { createAdmission, estimateRetryAfterSeconds } from "../../../../src/backends/common/admission.ts";

const never = new AbortController().signal;

describe("admission", () => {
  it("refuses a request at once when no place is free, with a retry time", () => {
    const admission = createAdmission({ running: 1, maxQueue: 2, retryAfterSeconds: () => 7 });
    for (let i = 0; i < 3; i++) admission.enter(never);
    expect(() => admission.enter(never)).toThrowError(
      expect.objectContaining({ kind: "overloaded", retryAfterSeconds: 7 }),
    );
  });

  it("gives a place back once, however often it is left", () => {
    const admission = createAdmission({ running: 1, maxQueue: 1, retryAfterSeconds: () => 1 });
    const leave = admission.enter(never);
    admission.enter(never);
    leave();
    leave();
    admission.enter(never);
    expect(() => admission.enter(never)).toThrow(/busy/);
  });

  it("gives a place back when its signal aborts, and once only", () => {
    const admission = createAdmission({ running: 1, maxQueue: 1, retryAfterSeconds: () => 1 });
    const caller = new AbortController();
    const leave = admission.enter(caller.signal);
    admission.enter(never);
    caller.abort();
    leave();
    admission.enter(never);
    expect(() => admission.enter(never)).toThrow(/busy/);
  });

  it("estimates the wait from the tokens that wait and the measured speed, between 1 and 60 seconds", () => {
    expect(estimateRetryAfterSeconds({ waitingTokens: 5000, tokensPerSecond: 1000 })).toBe(5);
    expect(estimateRetryAfterSeconds({ waitingTokens: 10, tokensPerSecond: 1000 })).toBe(1);
    expect(estimateRetryAfterSeconds({ waitingTokens: 1e6, tokensPerSecond: 1000 })).toBe(60);
    expect(estimateRetryAfterSeconds({ waitingTokens: 1e6, tokensPerSecond: 0 })).toBe(1);
  });
});
