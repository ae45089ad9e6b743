// `hearth doctor` on this machine, and on a GPU that SwiftShader plays: WebGPU works there, and llama.cpp dies on it.
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { DeviceMemory } from "../../src/backends/common/devices/device-memory.ts";
import { readGpuSystem } from "../../src/backends/common/devices/gpu-system.ts";
import { packageRoot } from "../../src/config/paths.ts";
import { swiftShader, useGpu } from "../support/gpu.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";
import { runCommandLine } from "../unit/cli/capture.ts";

const decision = { device: "webgpu", adapter: "A GPU", note: "as the CPU", isFault: false };

describe("hearth doctor", { timeout: 300_000 }, () => {
  it("says what the libraries can use, and where each model is computed by what is remembered", async () => {
    const cache = temporaryFolder("cache");
    const memory = new DeviceMemory(cache);
    const { key: system } = await readGpuSystem({ platform: process.platform, environment: process.env });
    const graph = (name: string): string => join(packageRoot, "models", name, "model.onnx");
    await memory.remember(graph("tiny-image/unet"), { system, rest: "1" }, decision);
    await memory.remember(graph("tiny-embed/onnx"), { system: "an older driver", rest: "1" }, decision);
    const own = `own=${join(packageRoot, "models", "tiny-embed")},execution_providers=[cuda, cpu]`;
    const { printed, warned, exitCode } = await runCommandLine(["doctor", "--cache-directory", cache, "--model", own]);
    expect({ exitCode, warned }).toEqual({ exitCode: 0, warned: "" });
    expect(printed).toMatch(/^Hearth \S+, Node \S+, \w+ \S+ \w+\n\d+ cores, [\d.]+ GiB of memory\n/);
    expect(printed).toMatch(/\nONNX Runtime 1\.\d+\.\d+ \(embeddings, reranking, images\)\n {2}cpu +works always\n/);
    expect(printed).toMatch(/\nllama\.cpp \(text\)\n {2}\S/);
    expect(printed).toMatch(/\n {2}tiny-chat \(text\)\n {4}\S/);
    expect(printed).toMatch(
      /\n {2}tiny-image \(image\)\n {4}unet\/model\.onnx: webgpu \(A GPU\), as the CPU \(found out on \d{4}-\d\d-\d\d\)/,
    );
    expect(printed).toContain("  own (embedding)\n    as configured: cuda, then cpu");
    expect(printed).toMatch(/onnx\/model\.onnx: webgpu .*; hardware or drivers have changed since/);
  });

  it("tries nothing where GPUs are switched off, and forgets when it is told to", async () => {
    const cache = temporaryFolder("cache");
    await new DeviceMemory(cache).remember("a", { system: "1", rest: "1" }, decision);
    const { printed } = await runCommandLine(["doctor", "--cache-directory", cache, "--gpu", "off", "--forget"]);
    expect(printed).toMatch(/^What was remembered of GPUs is forgotten/);
    expect(await new DeviceMemory(cache).all()).toEqual([]);
    expect(printed).not.toContain("ONNX Runtime");
    expect(printed).toContain("  tiny-embed (embedding)\n    cpu: GPUs are switched off for all models (runners.gpu)");
  });

  it.skipIf(!swiftShader.isMet)(`tells a GPU that works from one that ends a process${swiftShader.note}`, async () => {
    useGpu(swiftShader);
    const flags = ["--gpu", "any", "--cache-directory", temporaryFolder("cache")];
    const { printed, exitCode } = await runCommandLine(["doctor", ...flags]);
    expect(exitCode).toBe(0);
    expect(printed).toMatch(/\n {2}webgpu +works: SwiftShader Device \(.*\) \(no hardware\); its values differ /);
    expect(printed).toMatch(
      /\nllama\.cpp \(text\)\n {2}a GPU was tried: the process ended with SIG\w+ \(.*16-bit storage/,
    );
    expect(printed).toContain("  tiny-chat (text)\n    not decided yet: the first load tries");
  });
});
