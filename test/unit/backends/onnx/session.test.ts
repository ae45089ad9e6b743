import { join, resolve } from "node:path";
import { describe, expect, it } from "vitest";
import { createSessionOpener, type SessionOpener } from "../../../../src/backends/onnx/session.ts";
import type { DeviceServices } from "../../../../src/domain/device.ts";
import { deviceServices } from "../../../support/gpu.ts";
import { temporaryFolder } from "../../../support/temporary-folder.ts";

const graph = resolve(import.meta.dirname, "../../../../models/tiny-embed/onnx/model.onnx");
const part = { name: "model.onnx", fingerprint: "1" };

interface TestOpener {
  readonly opener: SessionOpener;
  /** Messages of the log. */
  readonly lines: string[];
}

function createOpener(executionProviders: readonly string[], devices?: Partial<DeviceServices>): TestOpener {
  const lines: string[] = [];
  const context = {
    cacheDirectory: temporaryFolder("cache"),
    signal: new AbortController().signal,
    log: (_level: string, message: string) => lines.push(message),
    ...(devices === undefined ? {} : { devices: { ...deviceServices("auto").services, ...devices } }),
  };
  return { opener: createSessionOpener({ executionProviders, threads: 1, context }), lines };
}

describe("createSessionOpener", () => {
  it("uses the first provider of the list, without a note, if it works", async () => {
    const { opener, lines } = createOpener(["cpu", "no-such-provider"]);
    await (await opener.open(graph, part)).release();
    expect(opener.use).toEqual({ device: "cpu" });
    expect(lines).toEqual([]);
  });

  it("falls back to the CPU, says why, and tries a provider that failed for no further graph", async () => {
    const { opener, lines } = createOpener(["no-such-provider"]);
    for (const name of ["one", "other"]) await (await opener.open(graph, { ...part, name })).release();
    const { device, deviceNote } = opener.use;
    expect(device).toBe("cpu");
    expect(deviceNote).toMatch(/^cpu is used because others failed: no-such-provider: /);
    expect(deviceNote?.match(/no-such-provider: /g)).toHaveLength(1);
    expect(lines).toEqual([deviceNote]);
  });

  it("tells the server before it tries a provider, and what is used in its place", async () => {
    const { services, told } = deviceServices("auto");
    const { opener } = createOpener(["no-such-provider"], services);
    await (await opener.open(graph, part)).release();
    expect(told).toEqual([
      { device: "no-such-provider" },
      { device: "cpu", deviceNote: expect.stringMatching(/^cpu is used because others failed: no-such-provider: /) },
    ]);
  });

  it("keeps every provider after a graph that none of them opens", async () => {
    const { opener } = createOpener(["no-such-provider"]);
    await expect(opener.open(join(graph, "nowhere.onnx"), part)).rejects.toMatchObject({
      kind: "model_load_failed",
      message: expect.stringMatching(/nowhere\.onnx cannot be opened: no-such-provider: .*; cpu: /s),
    });
    expect(opener.use).toEqual({ device: "cpu" });
  });

  it("takes the CPU for `auto` where no GPU may be looked for", async () => {
    const { opener, lines } = createOpener(["auto"]);
    const session = await opener.open(graph, {
      ...part,
      rehearse: () => Promise.reject(new Error("not to be called")),
    });
    expect(session.device).toBe("cpu");
    expect(opener.use).toEqual({ device: "cpu" });
    expect(lines).toEqual([]);
    await session.release();
  });

  it.each([
    [["no-such-provider"], { policy: "off" }, "GPUs are switched off for all models (runners.gpu)"],
    [["no-such-provider", "cpu"], { fault: "it died" }, "it died"],
    [["auto"], { fault: "it died" }, "it died"],
  ] as const)("tries no GPU of %j where %j forbids it, and says so", async (executionProviders, devices, reason) => {
    const { opener, lines } = createOpener(executionProviders, devices);
    await (
      await opener.open(graph, { ...part, rehearse: () => Promise.reject(new Error("not to be called")) })
    ).release();
    expect(opener.use).toEqual({ device: "cpu", deviceNote: `the CPU is used because ${reason}` });
    expect(lines).toEqual(["The model is kept on the CPU."]);
  });

  it.each([
    [["auto"], { policy: "off" }],
    [["cpu"], { fault: "it died" }],
  ] as const)("says nothing of GPUs where %j expects none under %j", async (executionProviders, devices) => {
    const { opener, lines } = createOpener(executionProviders, devices);
    await (await opener.open(graph, part)).release();
    expect(opener.use).toEqual({ device: "cpu" });
    expect(lines).toEqual([]);
  });
});
