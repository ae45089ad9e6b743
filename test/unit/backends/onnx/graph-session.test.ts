// A session whose GPU fails. The GPU is a session of the CPU, of which the test decides what comes of a run.
import { resolve } from "node:path";
import { Tensor } from "onnxruntime-node";
import { describe, expect, it } from "vitest";
import {
  DeviceSession,
  openWith,
  type Feeds,
  type OpenOn,
  type RuntimeSession,
} from "../../../../src/backends/onnx/graph-session.ts";

const openReal = openWith(resolve(import.meta.dirname, "../../../../models/tiny-embed/onnx/model.onnx"), 1);
const output = "last_hidden_state";

function feedsOf(ids: readonly bigint[]): Feeds {
  const feed = (values: readonly bigint[]): Tensor =>
    new Tensor("int64", BigInt64Array.from(values), [1, values.length]);
  return {
    input_ids: feed(ids),
    attention_mask: feed(ids.map(() => 1n)),
    token_type_ids: feed(ids.map(() => 0n)),
  };
}

const feeds = feedsOf([2n, 100n, 200n, 3n]);
/** The vocabulary has 2,048 tokens. */
const wrongFeeds = feedsOf([2n, 5_000n, 3n]);

/** Changes what a run gives; throws in place of a device that fails. */
type Fault = (results: Feeds) => Feeds;

/** `gpu` and `cpu` are what becomes of runs there; `opened` and `released` list the providers, in order. */
async function openTestSession({ gpu = (results) => results, cpu = gpu }: { gpu?: Fault; cpu?: Fault } = {}) {
  const opened: string[] = [];
  const released: string[] = [];
  const reasons: string[] = [];
  let runsOnGpu = 0;
  const openOn: OpenOn = async (provider) => {
    opened.push(provider);
    const real = await openReal("cpu");
    const isGpu = provider !== "cpu";
    return {
      inputNames: real.inputNames,
      outputNames: real.outputNames,
      inputMetadata: real.inputMetadata,
      outputMetadata: real.outputMetadata,
      run: (async (given: Feeds, fetches: string[]) => {
        if (isGpu) runsOnGpu += 1;
        return (isGpu ? gpu : cpu)(await real.run(given, fetches));
      }) as RuntimeSession["run"],
      release: async () => {
        released.push(provider);
        await real.release();
      },
    };
  };
  const session = new DeviceSession(await openOn("webgpu"), {
    provider: "webgpu",
    openOn,
    onFallback: (reason) => reasons.push(reason),
  });
  return { session, opened, released, reasons, runsOnGpu: () => runsOnGpu };
}

const fill =
  (value: number): Fault =>
  (results) => {
    const { dims } = results[output]!;
    return { [output]: new Tensor("float32", new Float32Array(dims.reduce((a, b) => a * b, 1)).fill(value), dims) };
  };
const asIs: Fault = (results) => results;
const lost: Fault = () => {
  throw new Error("device lost");
};

async function expected(): Promise<Tensor["data"]> {
  const real = await openReal("cpu");
  const { data } = (await real.run(feeds, [output]))[output]!;
  await real.release();
  return data;
}

describe("a session on a GPU", () => {
  it("stays there while its values are numbers", async () => {
    const { session, opened } = await openTestSession();
    expect((await session.run(feeds, [output]))[output]!.data).toEqual(await expected());
    expect(session.device).toBe("webgpu");
    expect(opened).toEqual(["webgpu"]);
    await session.release();
  });

  it.each([
    ["an error", lost, "device lost"],
    ["values that are no numbers", fill(Number.NaN), "the output 'last_hidden_state' has values that are no numbers"],
    ["nothing but zeros", fill(0), "the output 'last_hidden_state' has only zeros"],
  ] as const)("repeats on the CPU a run that gives %s, and stays there", async (_what, gpu, reason) => {
    const { session, opened, released, reasons, runsOnGpu } = await openTestSession({ gpu, cpu: asIs });
    for (let i = 0; i < 2; i++) {
      expect((await session.run(feeds, [output]))[output]!.data).toEqual(await expected());
      expect(session.device).toBe("cpu");
    }
    expect(reasons).toEqual([reason]);
    expect(opened).toEqual(["webgpu", "cpu"]);
    expect(released, "the GPU's memory is freed").toEqual(["webgpu"]);
    expect(runsOnGpu()).toBe(1);
    await session.release();
    expect(released).toEqual(["webgpu", "cpu"]);
  });

  it("does not blame the GPU for inputs that the CPU refuses as well", async () => {
    const { session, released, reasons } = await openTestSession({ gpu: asIs });
    await expect(session.run(wrongFeeds, [output])).rejects.toThrow(/5000/);
    expect(session.device).toBe("webgpu");
    expect(reasons).toEqual([]);
    expect(released).toEqual(["cpu"]);
    expect((await session.run(feeds, [output]))[output]!.data).toEqual(await expected());
    await session.release();
  });

  it("does not blame the GPU for values that the CPU gives as well", async () => {
    const { session, released, reasons } = await openTestSession({ gpu: fill(Number.NaN), cpu: fill(Number.NaN) });
    const { data } = (await session.run(feeds, [output]))[output]!;
    expect((data as Float32Array)[0]).toBeNaN();
    expect(session.device).toBe("webgpu");
    expect(reasons).toEqual([]);
    expect(released).toEqual(["cpu"]);
    await session.release();
  });

  it("passes on a failure that its caller asked for", async () => {
    const { session, opened } = await openTestSession({ gpu: lost, cpu: asIs });
    await expect(session.attempt(() => session.run(feeds, [output]))).rejects.toThrow("device lost");
    expect(opened).toEqual(["webgpu"]);
    expect((await session.run(feeds, [output]))[output]!.data).toEqual(await expected());
    expect(session.device).toBe("cpu");
    await session.release();
  });

  it("names both where the CPU cannot take the GPU's place", async () => {
    const real = await openReal("cpu");
    const session = new DeviceSession(
      { ...pick(real), run: () => Promise.reject(new Error("device lost")), release: () => real.release() },
      { provider: "cuda", openOn: () => Promise.reject(new Error("out of memory")), onFallback: () => {} },
    );
    await expect(session.run(feeds, [output])).rejects.toThrow(
      "cuda failed (device lost), and the CPU cannot take its place",
    );
    await session.release();
  });
});

function pick({ inputNames, outputNames, inputMetadata, outputMetadata }: RuntimeSession) {
  return { inputNames, outputNames, inputMetadata, outputMetadata };
}
