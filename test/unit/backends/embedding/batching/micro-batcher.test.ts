import { describe, expect, it } from "vitest";
import { MicroBatcher } from "../../../../../src/backends/embedding/batching/micro-batcher.ts";
import { ServerError } from "../../../../../src/domain/errors.ts";

interface Call {
  readonly items: readonly string[];
  readonly finish: (error?: Error) => Promise<void>;
}

/** A micro-batcher whose micro-batches last until the test ends them, with a clock that the test moves. */
function createDevice(limits = { maxBatchTokens: 256, maxPaddingShare: 0.1 }) {
  const calls: Call[] = [];
  const waiting: ((call: Call) => void)[] = [];
  let nowMs = 0;
  const batcher = new MicroBatcher<string>({
    limits,
    now: () => nowMs,
    yieldToEvents: () => Promise.resolve(),
    evaluate: (items) =>
      new Promise((resolve, reject) => {
        const finish = async (error?: Error): Promise<void> => {
          if (error === undefined) resolve();
          else reject(error);
          await settled();
        };
        const call = { items, finish };
        calls.push(call);
        waiting.shift()?.(call);
      }),
  });
  return {
    batcher,
    calls,
    advance: (ms: number): void => {
      nowMs += ms;
    },
    /** The next micro-batch, as soon as it begins. */
    next: (): Promise<Call> => new Promise((resolve) => waiting.push(resolve)),
  };
}

/** Lets every chain of promises run to its end. */
async function settled(): Promise<void> {
  for (let i = 0; i < 50; i++) await Promise.resolve();
}

/** The error of a promise that must fail; subscribed at once, so that a failure in between is not unhandled. */
function failureOf(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    () => "no failure",
    (error: unknown) => error,
  );
}

const never = new AbortController().signal;
const text = (item: string, tokens: number) => ({ item, tokens });

describe("MicroBatcher", () => {
  it("joins the texts that came during a micro-batch into the next one", async () => {
    const device = createDevice();
    const started = device.next();
    const first = device.batcher.submit([text("a", 50)], never);
    const call = await started;
    const rest = ["b", "c", "d"].map((item) => device.batcher.submit([text(item, 50)], never));
    const second = device.next();
    await call.finish();
    await first;
    const together = await second;
    expect(together.items).toEqual(["b", "c", "d"]);
    await together.finish();
    await Promise.all(rest);
  });

  it("starts a micro-batch at once when none runs, also after an idle time", async () => {
    const device = createDevice();
    for (const item of ["a", "b"]) {
      const started = device.next();
      const done = device.batcher.submit([text(item, 5)], never);
      const call = await started;
      expect(call.items).toEqual([item]);
      await call.finish();
      await done;
    }
  });

  it("runs all micro-batches of a request before it resolves", async () => {
    const device = createDevice();
    let started = device.next();
    const request = device.batcher.submit([text("a", 200), text("b", 100), text("c", 10)], never);
    const order: string[] = [];
    for (let i = 0; i < 3; i++) {
      const call = await started;
      order.push(...call.items);
      started = device.next();
      await call.finish();
    }
    await request;
    expect(order).toEqual(["a", "b", "c"]);
  });

  it("serves a single text within two micro-batches while a request of 1,024 runs", async () => {
    const device = createDevice();
    const started = device.next();
    const big = device.batcher.submit(
      Array.from({ length: 1024 }, (_, i) => text(`big ${i}`, 100)),
      never,
    );
    const call = await started;
    const small = device.batcher.submit([text("small", 10)], never);
    const next = device.next();
    device.advance(5);
    await call.finish();
    const second = await next;
    expect(second.items).toEqual(["small"]);
    device.advance(3);
    await second.finish();
    // The rest of the large request does not count.
    expect(await small).toEqual({ queueMs: 5, inferenceMs: 3 });
    void big.catch(() => {});
    void device.batcher.close();
  });

  it("never evaluates the waiting texts of a caller that left", async () => {
    const device = createDevice();
    const started = device.next();
    const first = device.batcher.submit([text("a", 100)], never);
    const call = await started;
    const abort = new AbortController();
    const cancelled = device.batcher.submit([text("b", 100), text("c", 10)], abort.signal);
    const last = device.batcher.submit([text("d", 100)], never);
    const reason = new ServerError("cancelled", "gone");
    abort.abort(reason);
    await expect(cancelled).rejects.toBe(reason);
    const next = device.next();
    await call.finish();
    expect((await next).items).toEqual(["d"]);
    await device.calls[1]?.finish();
    await Promise.all([first, last]);
    expect(device.calls.flatMap((call) => call.items)).toEqual(["a", "d"]);
    expect(device.batcher.waitingTokens).toBe(0);
  });

  it("frees a caller that leaves during its own micro-batch without waiting for it", async () => {
    const device = createDevice();
    const started = device.next();
    const abort = new AbortController();
    const request = device.batcher.submit([text("a", 100), text("b", 10)], abort.signal);
    const call = await started;
    abort.abort(new ServerError("cancelled", "gone"));
    await expect(request).rejects.toMatchObject({ kind: "cancelled" });
    await call.finish();
    expect(device.calls.length).toBe(1);
  });

  it("refuses a caller that has already left", async () => {
    const device = createDevice();
    await expect(device.batcher.submit([text("a", 1)], AbortSignal.abort(new Error("left")))).rejects.toThrow("left");
    expect(device.calls.length).toBe(0);
  });

  it("fails only the requests that had texts in a failed micro-batch", async () => {
    const device = createDevice();
    const started = device.next();
    const broken = device.batcher.submit([text("a", 100), text("b", 10)], never);
    const call = await started;
    const other = device.batcher.submit([text("c", 50)], never);
    const next = device.next();
    const outcome = failureOf(broken);
    await call.finish(new Error("out of memory"));
    expect(await outcome).toMatchObject({ message: "out of memory" });
    const following = await next;
    expect(following.items).toEqual(["c"]);
    await following.finish();
    await other;
  });

  it("measures waiting and computing separately", async () => {
    const device = createDevice();
    const started = device.next();
    const first = device.batcher.submit([text("a", 100)], never);
    const call = await started;
    device.advance(5);
    const second = device.batcher.submit([text("b", 10)], never);
    device.advance(20);
    const next = device.next();
    await call.finish();
    const following = await next;
    device.advance(7);
    await following.finish();
    expect(await first).toEqual({ queueMs: 0, inferenceMs: 25 });
    expect(await second).toEqual({ queueMs: 20, inferenceMs: 7 });
    expect(device.batcher.tokensPerSecond).toBeCloseTo(0.9 * 4000 + 0.1 * (10_000 / 7), 6);
  });

  it("ends waiting requests with shutting_down when it is closed, and takes no more", async () => {
    const device = createDevice();
    const started = device.next();
    const request = device.batcher.submit([text("a", 100), text("b", 10)], never);
    const call = await started;
    const outcome = failureOf(request);
    const closed = device.batcher.close();
    expect(await outcome).toMatchObject({ kind: "shutting_down" });
    await call.finish();
    await closed;
    await expect(device.batcher.submit([text("c", 1)], never)).rejects.toMatchObject({ kind: "shutting_down" });
  });
});
