import { describe, expect, it } from "vitest";
import { createBackend, single, type Handlers } from "../../../../src/backends/common/operation-table.ts";
import type { Backend, EventSink } from "../../../../src/domain/backend.ts";
import { ServerError } from "../../../../src/domain/errors.ts";
import { onAbort } from "../../../../src/util/abort.ts";

const facts = { memoryBytes: 1, device: "cpu", fingerprint: "fp_test", facts: {} };
const rerank = { query: "a", documents: ["b"] };
const result = { scores: [0.5], promptTokens: 3, timings: { tokenizeMs: 0, queueMs: 0, inferenceMs: 0 } };

function collect<T>(): EventSink<T> & { readonly events: T[] } {
  const events: T[] = [];
  return { events, credit: 1, onCredit: () => {}, push: (event) => void events.push(event) };
}

function build(handlers: Handlers): Backend & { readonly disposals: () => number } {
  let disposals = 0;
  const backend = createBackend(facts, {
    handlers,
    dispose: async () => {
      disposals += 1;
    },
  });
  return { ...backend, disposals: () => disposals };
}

/** Runs until its signal aborts, then fails in its own words. */
function untilAborted(started: () => void = () => {}): Handlers {
  return {
    rerank: (_, { signal }) =>
      new Promise((_resolve, reject) => {
        onAbort(signal, () => reject(new Error("the device was interrupted")));
        started();
      }),
  };
}

const never = new AbortController().signal;

describe("createBackend", () => {
  it("describes the operations that have a handler", () => {
    const backend = build({ rerank: single(async () => result), image: async () => {} });
    expect(backend.description).toEqual({ ...facts, operations: ["rerank", "image"] });
  });

  it("gives a handler the request and pushes its one result", async () => {
    const sink = collect();
    const requests: unknown[] = [];
    const backend = build({
      rerank: single(async (request) => {
        requests.push(request);
        return result;
      }),
    });
    await backend.run("rerank", rerank, { sink, signal: never });
    expect(requests).toEqual([rerank]);
    expect(sink.events).toEqual([result]);
  });

  it("refuses an operation without a handler by name", async () => {
    const run = build({ rerank: single(async () => result) }).run(
      "embedding",
      { inputs: ["a"] },
      { sink: collect(), signal: never },
    );
    await expect(run).rejects.toMatchObject({
      kind: "unsupported_operation",
      message: "This model does rerank, not embedding.",
    });
  });

  it("starts nothing for a caller that has left", async () => {
    let started = false;
    const backend = build(
      untilAborted(() => {
        started = true;
      }),
    );
    const reason = new ServerError("cancelled", "gone");
    const run = backend.run("rerank", rerank, { sink: collect(), signal: AbortSignal.abort(reason) });
    await expect(run).rejects.toBe(reason);
    expect(started).toBe(false);
  });

  it("rejects with the reason of the caller's signal, whatever the handler throws after it", async () => {
    const caller = new AbortController();
    const run = build(untilAborted()).run("rerank", rerank, { sink: collect(), signal: caller.signal });
    const reason = new ServerError("cancelled", "gone");
    caller.abort(reason);
    await expect(run).rejects.toBe(reason);
  });

  it("pushes no result that comes after the signal aborted", async () => {
    const sink = collect();
    const caller = new AbortController();
    const backend = build({
      rerank: single(async () => {
        caller.abort(new ServerError("cancelled", "gone"));
        return result;
      }),
    });
    await expect(backend.run("rerank", rerank, { sink, signal: caller.signal })).rejects.toMatchObject({
      kind: "cancelled",
    });
    expect(sink.events).toEqual([]);
  });

  it("ends what runs with `shutting_down`, and frees the model only after that", async () => {
    const order: string[] = [];
    const backend = createBackend(facts, {
      handlers: untilAborted(),
      dispose: async () => void order.push("freed"),
    });
    const run = backend.run("rerank", rerank, { sink: collect(), signal: never }).catch((error: ServerError) => {
      order.push(error.kind);
    });
    await Promise.all([backend.dispose(), run]);
    expect(order).toEqual(["shutting_down", "freed"]);
  });

  it("refuses with `shutting_down` as soon as it is being disposed of", async () => {
    const backend = build({ rerank: single(async () => result) });
    const disposal = backend.dispose();
    await expect(backend.run("rerank", rerank, { sink: collect(), signal: never })).rejects.toMatchObject({
      kind: "shutting_down",
    });
    await disposal;
  });

  it("frees the model once, however often it is disposed of", async () => {
    const backend = build({});
    await Promise.all([backend.dispose(), backend.dispose()]);
    await backend.dispose();
    expect(backend.disposals()).toBe(1);
  });

  it("passes on a failure of the handler", async () => {
    const failure = new Error("the graph is broken");
    const backend = build({
      rerank: async () => {
        throw failure;
      },
    });
    await expect(backend.run("rerank", rerank, { sink: collect(), signal: never })).rejects.toBe(failure);
  });
});
