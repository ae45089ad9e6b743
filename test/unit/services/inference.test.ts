// The use case behind every inference endpoint, over a fake backend: refusals before the first event, and the release of the lease
// in every way in which an operation ends.
import { describe, expect, it } from "vitest";
import type { Operation } from "../../../src/domain/backend.ts";
import type { CompletionRequest } from "../../../src/domain/completion.ts";
import { ServerError } from "../../../src/domain/errors.ts";
import type { ConfiguredModel, ModelPurpose } from "../../../src/domain/model.ts";
import type { TextEvent } from "../../../src/domain/text.ts";
import { createCatalog } from "../../../src/registry/catalog.ts";
import { createInference, type RunningOperation } from "../../../src/services/inference.ts";
import { onAbort } from "../../../src/util/abort.ts";
import { createFakeBackend, type FakeScript } from "../../support/fake-backend.ts";

const never = new AbortController().signal;
const request = {} as CompletionRequest;
const delta = (text: string): TextEvent => ({ type: "text-delta", choice: 0, text });
const accepted: TextEvent = { type: "accepted", promptTokens: 1 };

const model = (id: string, purpose: ModelPurpose): ConfiguredModel => ({ id, purpose }) as ConfiguredModel;
const catalog = createCatalog([model("embed", "embedding"), model("chat", "text"), model("other", "text")], {
  aliases: new Map([["gpt-4o", "chat"]]),
});

const oneEvent: FakeScript = {
  async *completion() {
    yield accepted;
  },
};

interface Options {
  readonly script?: FakeScript;
  readonly operations?: readonly Operation[];
  readonly defaultModels?: Partial<Record<Operation, string | null>>;
  readonly acquireError?: Error;
}

/** `leased` = models asked for; `released` = the options with which each lease was released. */
function createTestInference({ script = {}, operations, defaultModels = {}, acquireError }: Options = {}) {
  const leased: string[] = [];
  const released: ({ readonly ttlMs?: number } | undefined)[] = [];
  const backend = createFakeBackend(script, operations === undefined ? {} : { operations });
  const inference = createInference({
    catalog,
    defaultModels,
    acquire: (id) => {
      if (acquireError !== undefined) return Promise.reject(acquireError);
      leased.push(id);
      return Promise.resolve({ backend, release: (options) => released.push(options) });
    },
  });
  return { inference, backend, leased, released };
}

/** Rejects when `signal` aborts: a backend that is busy until then. */
function untilAborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    onAbort(signal, () => reject(signal.reason as Error));
  });
}

async function collect<T>(events: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const event of events) all.push(event);
  return all;
}

function startCompletion(
  { inference }: ReturnType<typeof createTestInference>,
  options: { modelName?: string; signal?: AbortSignal; ttlMs?: number } = {},
): Promise<RunningOperation<"completion">> {
  const { modelName = "chat", signal = never, ttlMs } = options;
  return inference.start("completion", { modelName, request, signal, ttlMs });
}

describe("a lease is released exactly once", () => {
  it("after the last event", async () => {
    const test = createTestInference({
      script: {
        async *completion() {
          yield accepted;
          yield delta("a");
          yield delta("b");
        },
      },
    });
    const { events } = await startCompletion(test);
    expect(await collect(events)).toEqual([accepted, delta("a"), delta("b")]);
    expect(test.leased).toEqual(["chat"]);
    expect(test.released).toEqual([{}]);
  });

  it("with the time to live that the request asked for", async () => {
    const test = createTestInference({ script: oneEvent });
    const { events } = await startCompletion(test, { ttlMs: 0 });
    await collect(events);
    expect(test.released).toEqual([{ ttlMs: 0 }]);
  });

  it("when there is no event at all", async () => {
    const test = createTestInference({ script: { async *completion() {} } });
    const { events } = await startCompletion(test);
    expect(await collect(events)).toEqual([]);
    expect(test.released.length).toBe(1);
  });

  it("when the operation is refused before its first event, and `start` rejects with the refusal", async () => {
    const refusal = new ServerError("context_length_exceeded", "too long");
    const test = createTestInference({
      script: {
        // oxlint-disable-next-line require-yield
        async *completion() {
          throw refusal;
        },
      },
    });
    await expect(startCompletion(test)).rejects.toBe(refusal);
    expect(test.released.length).toBe(1);
  });

  it("when the operation fails in mid-stream, after the events before the failure", async () => {
    const failure = new ServerError("model_crashed", "gone");
    const test = createTestInference({
      script: {
        async *completion() {
          yield accepted;
          yield delta("a");
          throw failure;
        },
      },
    });
    const { events } = await startCompletion(test);
    const taken: TextEvent[] = [];
    const reading = (async () => {
      for await (const event of events) taken.push(event);
    })();
    await expect(reading).rejects.toBe(failure);
    expect(taken).toEqual([accepted, delta("a")]);
    expect(test.released.length).toBe(1);
  });

  it("when the caller aborts before the first event", async () => {
    const abort = new AbortController();
    const reason = new Error("the caller left");
    const test = createTestInference({
      script: {
        // oxlint-disable-next-line require-yield
        async *completion(_, signal) {
          queueMicrotask(() => abort.abort(reason));
          await untilAborted(signal);
        },
      },
    });
    await expect(startCompletion(test, { signal: abort.signal })).rejects.toBe(reason);
    expect(test.released.length).toBe(1);
  });

  it("when the caller has aborted by the time the model is ready", async () => {
    const reason = new Error("the caller left");
    const test = createTestInference();
    await expect(startCompletion(test, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
    expect(test.leased.length).toBe(1);
    expect(test.released.length).toBe(1);
  });

  it("when the caller aborts after the first event", async () => {
    const abort = new AbortController();
    const reason = new Error("the caller left");
    let stopped: unknown;
    const test = createTestInference({
      script: {
        async *completion(_, signal) {
          yield accepted;
          try {
            await untilAborted(signal);
          } catch (error) {
            stopped = error;
            throw error;
          }
        },
      },
    });
    const { events } = await startCompletion(test, { signal: abort.signal });
    expect(await events.next()).toEqual({ done: false, value: accepted });
    const next = events.next();
    abort.abort(reason);
    await expect(next).rejects.toBe(reason);
    expect(stopped).toBe(reason);
    expect(test.released.length).toBe(1);
  });

  it("when the reader stops early, which cancels the operation", async () => {
    let isCancelled = false;
    const test = createTestInference({
      script: {
        async *completion(_, signal) {
          onAbort(signal, () => (isCancelled = true));
          yield accepted;
          await untilAborted(signal);
        },
      },
    });
    const { events } = await startCompletion(test);
    for await (const event of events) {
      expect(event).toEqual(accepted);
      break;
    }
    expect(isCancelled).toBe(true);
    expect(test.released.length).toBe(1);
  });

  it("when the reader returns without having taken an event", async () => {
    const test = createTestInference({
      script: {
        async *completion(_, signal) {
          yield accepted;
          await untilAborted(signal);
        },
      },
    });
    const { events } = await startCompletion(test);
    await events.return?.();
    expect(test.released.length).toBe(1);
  });

  it("when the loaded backend turns out not to know the operation", async () => {
    const test = createTestInference({ operations: ["chat", "apply-template"] });
    await expect(startCompletion(test)).rejects.toMatchObject({
      kind: "unsupported_operation",
      param: "model",
      message: expect.stringContaining("it serves 'chat', 'apply-template'"),
    });
    expect(test.released.length).toBe(1);
  });
});

describe("the first event", () => {
  it("has come when `start` resolves, and is read like any other", async () => {
    let produced = 0;
    const test = createTestInference({
      script: {
        async *completion() {
          produced += 1;
          yield accepted;
          produced += 1;
          yield delta("a");
        },
      },
    });
    const { events } = await startCompletion(test);
    expect(produced).toBeGreaterThanOrEqual(1);
    expect(await events.next()).toEqual({ done: false, value: accepted });
    expect(await events.next()).toEqual({ done: false, value: delta("a") });
    expect(await events.next()).toEqual({ done: true, value: undefined });
    expect(await events.next()).toEqual({ done: true, value: undefined });
  });
});

describe("the model of a request", () => {
  it("is the one behind an alias, and the answer has the name that the caller wrote", async () => {
    const test = createTestInference({ script: oneEvent });
    const { modelName, description } = await startCompletion(test, { modelName: "gpt-4o" });
    expect(modelName).toBe("gpt-4o");
    expect(description).toBe(test.backend.description);
    expect(test.leased).toEqual(["chat"]);
  });

  it("is the configured default of the operation when the request names none", async () => {
    const test = createTestInference({ script: oneEvent, defaultModels: { completion: "other" } });
    const { modelName } = await test.inference.start("completion", { modelName: undefined, request, signal: never });
    expect(modelName).toBe("other");
    expect(test.leased).toEqual(["other"]);
  });

  it("is the first that can do the operation when no default is configured either", async () => {
    const test = createTestInference({ script: oneEvent, defaultModels: { completion: null } });
    const { modelName } = await test.inference.start("completion", { modelName: undefined, request, signal: never });
    expect(modelName).toBe("chat");
  });

  it.each([
    { name: "does not exist", modelName: "nobody", kind: "model_not_found" },
    { name: "can never do the operation", modelName: "embed", kind: "unsupported_operation" },
  ])("is refused without a lease when it $name", async ({ modelName, kind }) => {
    const test = createTestInference({ script: oneEvent });
    await expect(startCompletion(test, { modelName })).rejects.toMatchObject({ kind });
    expect(test.leased).toEqual([]);
  });

  it("is refused with the reason of its load when it cannot be loaded, without a lease", async () => {
    const acquireError = new ServerError("model_load_failed", "broken file");
    const test = createTestInference({ acquireError });
    await expect(startCompletion(test)).rejects.toBe(acquireError);
    expect(test.released).toEqual([]);
  });
});

describe("a model on a GPU whose process ends", () => {
  const crash = new ServerError("model_crashed", "The process ended.");

  /** Plays the scripts in turn, one a load; the last load is on the CPU. */
  function createDyingModel(...scripts: NonNullable<FakeScript["completion"]>[]) {
    const devices = scripts.map((_, index) => (index === scripts.length - 1 ? "cpu" : "vulkan"));
    let loads = 0;
    let released = 0;
    const inference = createInference({
      catalog,
      defaultModels: {},
      acquire: () => {
        const index = Math.min(loads, scripts.length - 1);
        loads += 1;
        const backend = createFakeBackend({ completion: scripts[index]! }, { device: devices[index]! });
        return Promise.resolve({ backend, release: () => void (released += 1) });
      },
    });
    const start = (isStreamed: boolean, signal = never): Promise<RunningOperation<"completion">> =>
      inference.start("completion", { modelName: "chat", request, signal, isStreamed });
    return { start, loads: () => loads, released: () => released };
  }

  const dies = (...events: TextEvent[]) =>
    async function* () {
      yield* events;
      throw crash;
    };
  const answers = (...events: TextEvent[]) =>
    async function* () {
      yield* events;
    };

  it("has a whole answer repeated on the CPU, of which the reader sees only that", async () => {
    const model = createDyingModel(dies(accepted, delta("gpu")), answers(accepted, delta("cpu"), delta("!")));
    const { events } = await model.start(false);
    expect(await collect(events)).toEqual([accepted, delta("cpu"), delta("!")]);
    expect(model.loads()).toBe(2);
    expect(model.released()).toBe(2);
  });

  it("has a stream repeated that has told nothing but that it was accepted", async () => {
    const model = createDyingModel(dies(accepted), answers(accepted, delta("cpu")));
    const { events } = await model.start(true);
    expect(await collect(events)).toEqual([accepted, delta("cpu")]);
  });

  it("ends a stream that has told something with the error", async () => {
    const model = createDyingModel(dies(accepted, delta("gpu")), answers(accepted, delta("cpu")));
    const { events } = await model.start(true);
    const taken: TextEvent[] = [];
    const reading = (async () => {
      for await (const event of events) taken.push(event);
    })();
    await expect(reading).rejects.toBe(crash);
    expect(taken).toEqual([accepted, delta("gpu")]);
    expect(model.loads()).toBe(1);
  });

  it("is tried no third time", async () => {
    const model = createDyingModel(dies(accepted), dies(accepted), answers(accepted));
    const { events } = await model.start(false);
    await expect(collect(events)).rejects.toBe(crash);
    expect(model.loads()).toBe(2);
    expect(model.released()).toBe(2);
  });

  it("is not tried again after an error that is no crash, nor on the CPU", async () => {
    const refusal = new ServerError("overloaded", "later");
    const refuses = async function* (): AsyncGenerator<TextEvent> {
      yield accepted;
      throw refusal;
    };
    const refusing = createDyingModel(refuses, answers(accepted));
    await expect(collect((await refusing.start(false)).events)).rejects.toBe(refusal);
    const onCpu = createDyingModel(dies(accepted));
    await expect(collect((await onCpu.start(false)).events)).rejects.toBe(crash);
    expect([refusing.loads(), onCpu.loads()]).toEqual([1, 1]);
  });
});
