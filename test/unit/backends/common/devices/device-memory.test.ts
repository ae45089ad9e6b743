import { mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { DeviceMemory } from "../../../../../src/backends/common/devices/device-memory.ts";
import { temporaryFolder } from "../../../../support/temporary-folder.ts";

const driver = (version: number) => ({ system: `driver ${version}`, rest: "model" });
const onGpu = { device: "webgpu", adapter: "A GPU", note: "as the CPU", isFault: false };
const onCpu = { device: "cpu", note: "the process ended with SIGSEGV", isFault: true };

describe("DeviceMemory", () => {
  it("recalls a decision under its key, also after a restart, and under no other", async () => {
    const folder = temporaryFolder("cache");
    await new DeviceMemory(folder).remember("/models/a.onnx", driver(1), onGpu);
    const memory = new DeviceMemory(folder);
    expect(await memory.recall("/models/a.onnx", driver(1))).toEqual(onGpu);
    expect(await memory.recall("/models/a.onnx", driver(2))).toBeUndefined();
    expect(await memory.recall("/models/b.onnx", driver(1))).toBeUndefined();
    expect(await memory.recall("/models/a.onnx", { ...driver(1), rest: "other weights" })).toBeUndefined();
  });

  it("keeps one decision a subject: that of the latest driver", async () => {
    const folder = temporaryFolder("cache");
    const memory = new DeviceMemory(folder);
    await memory.remember("/models/a.onnx", driver(1), onGpu);
    await memory.remember("/models/a.onnx", driver(2), onCpu);
    await memory.remember("/models/b.onnx", driver(2), onGpu);
    expect(readdirSync(join(folder, "devices"))).toHaveLength(2);
    const all = (await memory.all()).toSorted((a, b) => a.subject.localeCompare(b.subject));
    expect(all).toMatchObject([
      { ...onCpu, subject: "/models/a.onnx", key: driver(2) },
      { ...onGpu, subject: "/models/b.onnx", key: driver(2) },
    ]);
    expect(Math.abs(all[0]!.decidedMs - Date.now())).toBeLessThan(600_000);
  });

  it("does not keep what another try may change, nor anything once it is told to forget", async () => {
    const folder = temporaryFolder("cache");
    const memory = new DeviceMemory(folder);
    await memory.remember("a", driver(1), onGpu);
    await memory.remember("a", driver(1), { ...onCpu, isPassing: true });
    expect(await memory.recall("a", driver(1))).toEqual(onGpu);
    await memory.forgetAll();
    expect(await memory.all()).toEqual([]);
    await memory.remember("a", driver(1), onCpu);
    expect(await memory.recall("a", driver(1))).toEqual(onCpu);
  });

  it("knows nothing where a file is damaged or cannot be written", async () => {
    const folder = temporaryFolder("cache");
    const memory = new DeviceMemory(folder);
    await memory.remember("a", driver(1), onGpu);
    const [name = ""] = readdirSync(join(folder, "devices"));
    for (const text of ["{", "[]", '{"key":"1"}', '{"key":{},"decision":{"device":1}}']) {
      writeFileSync(join(folder, "devices", name), text);
      expect(await memory.recall("a", driver(1))).toBeUndefined();
      expect(await memory.all()).toEqual([]);
    }
    const blocked = temporaryFolder("blocked");
    writeFileSync(join(blocked, "devices"), "a file in the folder's place");
    await new DeviceMemory(blocked).remember("a", driver(1), onGpu);
    expect(await new DeviceMemory(blocked).recall("a", driver(1))).toBeUndefined();
    mkdirSync(join(blocked, "other"));
    expect(await new DeviceMemory(join(blocked, "other")).all()).toEqual([]);
  });
});
