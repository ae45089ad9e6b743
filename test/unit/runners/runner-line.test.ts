// The protocol between server and runner: order, errors, credit, cancellation, and the end of the process.
import { afterEach, describe, expect, it, vi } from "vitest";
import { ServerError } from "../../../src/domain/errors.ts";
import type { CompletionRequest } from "../../../src/domain/completion.ts";
import type { TextEvent } from "../../../src/domain/text.ts";
import { creditWindow } from "../../../src/runners/protocol.ts";
import { createFakeBackend } from "../../support/fake-backend.ts";
import { runBackend } from "../../support/run-backend.ts";
import { connectRunner } from "../../support/runner-line.ts";

const request = { prompts: ["x"] } as unknown as CompletionRequest;
const delta = (text: string): TextEvent => ({ type: "text-delta", choice: 0, text });

async function collect<T>(events: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const event of events) all.push(event);
  return all;
}

afterEach(() => {
  vi.useRealTimers();
});

describe("a backend in a runner", () => {
  it("delivers every event in order", async () => {
    const { line } = await connectRunner(
      createFakeBackend({
        async *completion() {
          for (let i = 0; i < 500; i += 1) yield delta(String(i));
        },
      }),
    );
    const events = await collect(runBackend(line, "completion", request));
    expect(events).toEqual(Array.from({ length: 500 }, (_, i) => delta(String(i))));
    expect(line.busyCalls).toBe(0);
  });

  it.each([
    { occupiesAllCores: true, messages: [2, 4] },
    { occupiesAllCores: false, messages: [20, 30] },
  ] as const)(
    "sends few messages by `auto` only for a model that computes on every core: $occupiesAllCores",
    async (expected) => {
      // No time passes, so no interval is ever over.
      vi.useFakeTimers({ toFake: ["performance", "setTimeout"] });
      const backend = createFakeBackend(
        {
          async *completion() {
            for (let index = 0; index < 24; index += 1) {
              yield delta(String(index));
              await new Promise((resolve) => {
                setImmediate(resolve);
              });
              await new Promise((resolve) => {
                setImmediate(resolve);
              });
            }
          },
        },
        { occupiesAllCores: expected.occupiesAllCores },
      );
      const { line, updates } = await connectRunner(backend, { streamIntervalMs: "auto" });
      const events = await collect(runBackend(line, "completion", request));
      expect(events).toEqual(Array.from({ length: 24 }, (_, index) => delta(String(index))));
      expect(updates()).toBeGreaterThanOrEqual(expected.messages[0]);
      expect(updates()).toBeLessThanOrEqual(expected.messages[1]);
    },
  );

  it("carries a ServerError over with its kind, parameter and retry time", async () => {
    const { line } = await connectRunner(
      createFakeBackend({
        async *completion() {
          yield delta("a");
          throw new ServerError("overloaded", { message: "full", param: "p", retryAfterSeconds: 3 });
        },
      }),
    );
    await expect(collect(runBackend(line, "completion", request))).rejects.toMatchObject({
      kind: "overloaded",
      message: "full",
      param: "p",
      retryAfterSeconds: 3,
    });
  });

  it("hides the internals of any other error", async () => {
    const { line } = await connectRunner(
      createFakeBackend({
        async *completion() {
          yield delta("a");
          throw new Error("secret path /etc");
        },
      }),
    );
    const error = await collect(runBackend(line, "completion", request)).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ kind: "internal" });
    expect(String(error)).not.toContain("secret");
  });

  it("stops the producer while the reader does not read", async () => {
    let produced = 0;
    const { line } = await connectRunner(
      createFakeBackend({
        async *completion() {
          for (;;) {
            produced += 1;
            yield delta("x");
          }
        },
      }),
    );
    const events = runBackend(line, "completion", request);
    await events.next();
    for (let turn = 0; turn < 20; turn += 1) await new Promise((resolve) => setImmediate(resolve));
    expect(produced).toBeLessThanOrEqual(creditWindow + 1);
    for (let i = 0; i < 3 * creditWindow; i += 1) await events.next();
    expect(produced).toBeGreaterThan(3 * creditWindow);
    await events.return();
  });

  it("aborts the backend when the reader's signal aborts, and ends with the signal's reason", async () => {
    let seen: AbortSignal | undefined;
    const { line } = await connectRunner(
      createFakeBackend({
        async *completion(_, signal) {
          seen = signal;
          yield delta("a");
          await new Promise((resolve) => signal.addEventListener("abort", resolve));
        },
      }),
    );
    const abort = new AbortController();
    const events = runBackend(line, "completion", request, { signal: abort.signal });
    await events.next();
    const reason = new ServerError("cancelled", "gone");
    abort.abort(reason);
    await expect(events.next()).rejects.toBe(reason);
    expect(seen?.aborted).toBe(true);
    await new Promise((resolve) => setImmediate(resolve));
    expect(line.busyCalls).toBe(0);
  });

  it("aborts the backend when the reader breaks off", async () => {
    let aborted = false;
    const { line } = await connectRunner(
      createFakeBackend({
        async *completion(_, signal) {
          signal.addEventListener("abort", () => (aborted = true));
          for (;;) yield delta("a");
        },
      }),
    );
    for await (const event of runBackend(line, "completion", request)) {
      expect(event).toEqual(delta("a"));
      break;
    }
    await new Promise((resolve) => setImmediate(resolve));
    expect(aborted).toBe(true);
  });

  it("fails every call in flight when the process ends, and every later one", async () => {
    const { line } = await connectRunner(
      createFakeBackend({
        async *completion(_, signal) {
          yield delta("a");
          await new Promise((resolve) => signal.addEventListener("abort", resolve));
        },
      }),
    );
    const events = runBackend(line, "completion", request);
    await events.next();
    line.end("SIGKILL");
    await expect(events.next()).rejects.toMatchObject({ kind: "model_crashed" });
    await expect(collect(runBackend(line, "completion", request))).rejects.toMatchObject({ kind: "model_crashed" });
  });

  it("exits once its backend is disposed of, and takes no further call", async () => {
    const { exits, line } = await connectRunner(createFakeBackend({}));
    await line.dispose();
    expect(exits).toEqual([0]);
    await expect(collect(runBackend(line, "completion", request))).rejects.toMatchObject({ kind: "shutting_down" });
  });
});

describe("the devices of a runner", () => {
  it("are told to the server, and the backend knows what the server decided", async () => {
    const { devices, told } = await connectRunner(createFakeBackend({}));
    expect(devices).toMatchObject({ policy: "auto", fault: "it died" });
    await devices.tell({ device: "vulkan" });
    expect(told).toEqual([{ type: "device", use: { device: "vulkan" } }]);
  });

  it("are given up by the end of the process, with the reason before it", async () => {
    const { devices, told, exits } = await connectRunner(createFakeBackend({}));
    let isOver = false;
    void devices.giveUp("vulkan failed: device lost").finally(() => (isOver = true));
    await new Promise((resolve) => {
      setImmediate(resolve);
    });
    expect(told).toEqual([{ type: "device-failed", reason: "vulkan failed: device lost" }]);
    expect(exits).toEqual([1]);
    expect(isOver, "nothing goes on with a device that has failed").toBe(false);
  });
});
