// ONNX graphs on a GPU, played by SwiftShader: the same values as on the CPU, found out by one run, and the CPU when the GPU fails.
import { resolve } from "node:path";
import { InferenceSession, Tensor } from "onnxruntime-node";
import { afterAll, afterEach, describe, expect, it, vi } from "vitest";
import { probeProvider } from "../../../src/backends/onnx/devices/probe-provider.ts";
import { recordRehearsal, type Rehearsal } from "../../../src/backends/onnx/devices/rehearsal.ts";
import { DeviceSession, openWith, type GraphSession } from "../../../src/backends/onnx/graph-session.ts";
import { createSessionOpener } from "../../../src/backends/onnx/session.ts";
import type { Backend } from "../../../src/domain/backend.ts";
import type { GpuPolicy } from "../../../src/domain/device.ts";
import { createDiffusionModels, decodePicture, fileOf, generate, peakSignalToNoise } from "../../support/diffusion.ts";
import { embed, largestDifference, openEmbedding, rowsOf, tinyEmbedFolder } from "../../support/embedding.ts";
import { deviceServices, swiftShader, useGpu } from "../../support/gpu.ts";
import { temporaryFolder } from "../../support/temporary-folder.ts";
import { roundingDifference } from "../../support/tolerances.ts";

useGpu(swiftShader);
/** All sessions of the runtime have their methods from there. */
const sessionPrototype = (InferenceSession as unknown as { readonly prototype: InferenceSession }).prototype;
const never = new AbortController().signal;
const graph = resolve(tinyEmbedFolder, "onnx/model.onnx");
const inputs = ["the river", "a much longer text about the river and the sea"];
/** The longest sum of the bundled encoder has 512 terms; vectors have length 1, so that no component is larger. */
const bound = roundingDifference("float32", 512);

const backends: Backend[] = [];
afterAll(async () => {
  for (const backend of backends) await backend.dispose();
});
afterEach(() => {
  vi.restoreAllMocks();
});

async function vectorsOf(backend: Backend): Promise<Float32Array> {
  backends.push(backend);
  return (await embed(backend, { inputs })).vectors;
}

/** Runs the bundled encoder on one text. */
function runEncoder(session: GraphSession): Promise<unknown> {
  const ids = BigInt64Array.of(2n, 100n, 200n, 300n, 3n);
  const feed = (values: BigInt64Array): Tensor => new Tensor("int64", values, [1, ids.length]);
  const feeds = {
    input_ids: feed(ids),
    attention_mask: feed(ids.map(() => 1n)),
    token_type_ids: feed(ids.map(() => 0n)),
  };
  return session.run(feeds, ["last_hidden_state"]);
}

async function rehearse(): Promise<Rehearsal> {
  const session = new DeviceSession(await openWith(graph, 1)("cpu"));
  const rehearsal = await recordRehearsal(session, runEncoder);
  await session.release();
  return rehearsal;
}

function probe(
  rehearsal: Rehearsal,
  { policy = "any", timeoutMs }: { policy?: GpuPolicy; timeoutMs?: number } = {},
): ReturnType<typeof probeProvider> {
  const limit = timeoutMs === undefined ? {} : { timeoutMs };
  return probeProvider("webgpu", { path: graph, threads: 1, rehearsal, policy, signal: never, ...limit });
}

// SwiftShader compiles a shader in up to a second.
describe.skipIf(!swiftShader.isMet)(`WebGPU on SwiftShader${swiftShader.note}`, { timeout: 300_000 }, () => {
  it("is found to give the CPU's values, is remembered, and gives the same vectors", async () => {
    const reference = await vectorsOf(await openEmbedding(tinyEmbedFolder));
    const cacheDirectory = temporaryFolder("cache");
    const lines: string[] = [];
    for (const attempt of ["found out", "remembered"]) {
      const { services, told } = deviceServices("any");
      const backend = await openEmbedding(tinyEmbedFolder, {
        options: { executionProviders: ["auto"] },
        devices: services,
        cacheDirectory,
        log: (_level, message, facts) => lines.push(`${attempt}: ${message} ${JSON.stringify(facts)}`),
      });
      expect(backend.description).toMatchObject({
        device: "webgpu",
        deviceParts: [
          {
            part: "onnx/model.onnx",
            device: "webgpu",
            adapter: expect.stringContaining("SwiftShader"),
            note: expect.stringMatching(/differ from the CPU's by 0\.0\d+ %/),
          },
        ],
      });
      expect(backend.description.deviceNote).toBeUndefined();
      expect(told, "before the GPU is touched").toEqual([{ device: "webgpu" }]);
      expect(largestDifference(await vectorsOf(backend), reference)).toBeLessThan(bound);
    }
    expect(lines[0]).toMatch(/^found out: onnx\/model\.onnx is computed on webgpu\. /);
  });

  it("is left alone where only hardware is wanted", async () => {
    expect(await probe(await rehearse(), { policy: "auto" })).toMatchObject({
      device: "cpu",
      note: expect.stringMatching(/^webgpu \(SwiftShader Device .*\) is no hardware$/),
      isFault: false,
    });
  });

  it("is left alone where its values are not the CPU's", async () => {
    const rehearsal = await rehearse();
    const [values] = rehearsal.results;
    const results = [values!.map((value) => value * 1.02)];
    expect(await probe({ ...rehearsal, results })).toMatchObject({
      device: "cpu",
      note: expect.stringMatching(/does not give the CPU's values: they differ by 2\.0 %$/),
      isFault: true,
    });
  });

  it("is left alone where it does not answer in time", async () => {
    expect(await probe(await rehearse(), { timeoutMs: 1 })).toEqual({
      device: "cpu",
      note: "webgpu was tried: it took longer than 0.001 s",
      isFault: true,
    });
  });

  it("repeats on the CPU the run in which it dies, stays there, and says so", async () => {
    const reference = await vectorsOf(await openEmbedding(tinyEmbedFolder));
    const { services, told } = deviceServices("auto");
    const lines: string[] = [];
    const backend = await openEmbedding(tinyEmbedFolder, {
      options: { executionProviders: ["webgpu"] },
      devices: services,
      log: (level, message, facts) => lines.push(`${level}: ${message} ${JSON.stringify(facts)}`),
    });
    expect(backend.description.device).toBe("webgpu");
    const run = vi.spyOn(sessionPrototype, "run").mockRejectedValueOnce(new Error("Device lost: injected"));
    expect(largestDifference(await vectorsOf(backend), reference)).toBeLessThan(bound);
    const reason = "webgpu failed in a run, which was repeated on the CPU: Device lost: injected";
    expect(lines).toContain(`warn: onnx/model.onnx is computed on cpu from now on. ${JSON.stringify({ reason })}`);
    expect(told.at(-1)).toMatchObject({ device: "cpu", deviceNote: expect.stringContaining("Device lost: injected") });
    run.mockClear();
    const again = await embed(backend, { inputs });
    expect(run.mock.contexts.length).toBeGreaterThan(0);
    // The CPU is as exact as it is in another session, so the GPU has no part in it any more.
    expect(rowsOf(again)).toEqual(rowsOf({ ...again, vectors: reference }));
  });

  it("computes one graph of a model while another stays on the CPU, and says of each where it is", async () => {
    const { services } = deviceServices("any");
    const context = { cacheDirectory: temporaryFolder("cache"), signal: never, log: () => {}, devices: services };
    const opener = createSessionOpener({ executionProviders: ["auto"], threads: 1, context });
    const part = { name: "unet", fingerprint: "1", rehearse: runEncoder };
    const sessions = [await opener.open(graph, part), await opener.open(graph, { name: "encoder", fingerprint: "1" })];
    expect(sessions.map(({ device }) => device)).toEqual(["webgpu", "cpu"]);
    expect(opener.use).toMatchObject({
      device: "webgpu+cpu",
      deviceParts: [
        { part: "unet", device: "webgpu" },
        { part: "encoder", device: "cpu" },
      ],
    });
    for (const session of sessions) await session.release();
  });

  it("makes the CPU's picture", async () => {
    const models = createDiffusionModels(deviceServices("auto").services);
    try {
      const path = models.folder("sd15");
      const request = { size: { width: 64, height: 64 }, steps: 1 };
      const expected = await decodePicture(fileOf(await generate(await models.open(path), request)));
      const backend = await models.open(path, { executionProviders: ["webgpu"] });
      expect(backend.description.device).toBe("webgpu");
      const picture = await decodePicture(fileOf(await generate(backend, request)));
      // 60 dB: one byte in sixteen may be rounded the other way.
      expect(peakSignalToNoise(picture.data, expected.data)).toBeGreaterThan(60);
      expect(backend.description.deviceNote).toBeUndefined();
    } finally {
      await models.close();
    }
  });
});
