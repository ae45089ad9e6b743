// Both sides of the line between server and runner, joined by a pair of channels that clones as the real one does.
import { describe, expect, it } from "vitest";
import type { Backend } from "../../../src/domain/backend.ts";
import { ServerError } from "../../../src/domain/errors.ts";
import type { ModelSpec } from "../../../src/domain/model.ts";
import type { CompletionRequest } from "../../../src/domain/completion.ts";
import type { TextEvent } from "../../../src/domain/text.ts";
import { creditWindow, type RunnerMessage, type ServerMessage } from "../../../src/runners/protocol.ts";
import { RunnerBackend } from "../../../src/runners/runner-backend.ts";
import { serveRunner } from "../../../src/runners/serve-runner.ts";
import { createFakeBackend, fakeDescription } from "../../support/fake-backend.ts";

const request = { prompts: ["x"] } as unknown as CompletionRequest;
const delta = (text: string): TextEvent => ({ type: "text-delta", choice: 0, text });

async function connect(
  backend: Backend,
  { streamIntervalMs = 0 }: { streamIntervalMs?: number | "auto" } = {},
): Promise<{ line: RunnerBackend; sent: ServerMessage[]; exits: number[]; updates: () => number }> {
  const sent: ServerMessage[] = [];
  let updates = 0;
  const exits: number[] = [];
  let toRunner: (message: ServerMessage) => void = () => {};
  const line = new RunnerBackend({
    modelId: "m",
    description: fakeDescription,
    stop: () => Promise.resolve(),
    channel: {
      send: (message) => {
        sent.push(message);
        toRunner(structuredClone(message));
      },
      onMessage: () => {},
    },
  });
  await new Promise<void>((ready) => {
    serveRunner({
      createBackend: () => Promise.resolve(backend),
      exit: (code) => exits.push(code),
      channel: {
        send: (message: RunnerMessage) => {
          if (message.type === "ready") ready();
          if (message.type !== "updates") return;
          updates += 1;
          line.receive(structuredClone(message.updates));
        },
        onMessage: (listener) => {
          toRunner = listener;
        },
      },
    });
    toRunner({ type: "load", spec: {} as ModelSpec, cacheDirectory: "", streamIntervalMs });
  });
  return { line, sent, exits, updates: () => updates };
}

async function collect<T>(events: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const event of events) all.push(event);
  return all;
}

const never = new AbortController().signal;

describe("the line between server and runner", () => {
  it("delivers every event in order", async () => {
    const { line } = await connect(
      createFakeBackend({
        async *completion() {
          for (let i = 0; i < 500; i += 1) yield delta(String(i));
        },
      }),
    );
    const events = await collect(line.run("completion", request, never));
    expect(events).toEqual(Array.from({ length: 500 }, (_, i) => delta(String(i))));
    expect(line.busyCalls).toBe(0);
  });

  it.each([
    { occupiesAllCores: true, messages: [1, 5] },
    { occupiesAllCores: false, messages: [20, 30] },
  ] as const)("joins the events of a model that leaves no core ($occupiesAllCores)", async (expected) => {
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
    const { line, updates } = await connect(backend, { streamIntervalMs: "auto" });
    const events = await collect(line.run("completion", request, never));
    expect(events).toEqual(Array.from({ length: 24 }, (_, index) => delta(String(index))));
    expect(updates()).toBeGreaterThanOrEqual(expected.messages[0]);
    expect(updates()).toBeLessThanOrEqual(expected.messages[1]);
  });

  it("carries a ServerError over with its kind, parameter and retry time", async () => {
    const { line } = await connect(
      createFakeBackend({
        async *completion() {
          yield delta("a");
          throw new ServerError("overloaded", { message: "full", param: "p", retryAfterSeconds: 3 });
        },
      }),
    );
    await expect(collect(line.run("completion", request, never))).rejects.toMatchObject({
      kind: "overloaded",
      message: "full",
      param: "p",
      retryAfterSeconds: 3,
    });
  });

  it("hides the internals of any other error", async () => {
    const { line } = await connect(
      createFakeBackend({
        async *completion() {
          yield delta("a");
          throw new Error("secret path /etc");
        },
      }),
    );
    const error = await collect(line.run("completion", request, never)).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ kind: "internal" });
    expect(String(error)).not.toContain("secret");
  });

  it("stops the producer while the reader does not read", async () => {
    let produced = 0;
    const { line } = await connect(
      createFakeBackend({
        async *completion() {
          for (;;) {
            produced += 1;
            yield delta("x");
          }
        },
      }),
    );
    const events = line.run("completion", request, never);
    await events.next();
    for (let turn = 0; turn < 20; turn += 1) await new Promise((resolve) => setImmediate(resolve));
    expect(produced).toBeLessThanOrEqual(creditWindow + 1);
    for (let i = 0; i < 3 * creditWindow; i += 1) await events.next();
    expect(produced).toBeGreaterThan(3 * creditWindow);
    await events.return();
  });

  it("aborts the backend when the reader's signal aborts, and ends with the signal's reason", async () => {
    let seen: AbortSignal | undefined;
    const { line } = await connect(
      createFakeBackend({
        async *completion(_, signal) {
          seen = signal;
          yield delta("a");
          await new Promise((resolve) => signal.addEventListener("abort", resolve));
        },
      }),
    );
    const abort = new AbortController();
    const events = line.run("completion", request, abort.signal);
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
    const { line } = await connect(
      createFakeBackend({
        async *completion(_, signal) {
          signal.addEventListener("abort", () => (aborted = true));
          for (;;) yield delta("a");
        },
      }),
    );
    for await (const event of line.run("completion", request, never)) {
      expect(event).toEqual(delta("a"));
      break;
    }
    await new Promise((resolve) => setImmediate(resolve));
    expect(aborted).toBe(true);
  });

  it("fails every call in flight when the process ends, and every later one", async () => {
    const { line } = await connect(
      createFakeBackend({
        async *completion(_, signal) {
          yield delta("a");
          await new Promise((resolve) => signal.addEventListener("abort", resolve));
        },
      }),
    );
    const events = line.run("completion", request, never);
    await events.next();
    line.end("SIGKILL");
    await expect(events.next()).rejects.toMatchObject({ kind: "model_crashed" });
    await expect(collect(line.run("completion", request, never))).rejects.toMatchObject({ kind: "model_crashed" });
  });

  it("exits after disposing when it is told to", async () => {
    const { exits, sent, line } = await connect(createFakeBackend({}));
    expect(sent).toEqual([]);
    await line.dispose();
    await expect(collect(line.run("completion", request, never))).rejects.toMatchObject({ kind: "shutting_down" });
    expect(exits).toEqual([]);
  });
});
