// Where a GPU is looked for: everywhere but on a Linux that shows no device file of one.
import { describe, expect, it } from "vitest";
import { mayHaveGpu } from "../../../../../src/backends/llama/native/gpu-devices.ts";

function onLinux(folders: Readonly<Record<string, readonly string[]>>): boolean {
  return mayHaveGpu({ platform: "linux", list: (path) => folders[path] ?? [] });
}

describe("looking for a GPU", () => {
  it.each([
    ["a render node", { "/dev": ["null", "dri"], "/dev/dri": ["card0", "renderD128"] }],
    ["CUDA's devices", { "/dev": ["null", "nvidia0", "nvidiactl"] }],
    ["WSL's device", { "/dev": ["dxg"] }],
    ["ROCm's device", { "/dev": ["kfd"] }],
  ])("is done where Linux shows %s", (_, folders) => {
    expect(onLinux(folders)).toBe(true);
  });

  it("is left out where Linux shows a screen alone, or nothing", () => {
    expect(onLinux({ "/dev": ["null", "tty", "dri"], "/dev/dri": ["card0"] })).toBe(false);
    expect(onLinux({})).toBe(false);
  });

  it("is done on systems that have no such files", () => {
    expect(mayHaveGpu({ platform: "darwin", list: () => [] })).toBe(true);
    expect(mayHaveGpu({ platform: "win32", list: () => [] })).toBe(true);
  });
});
