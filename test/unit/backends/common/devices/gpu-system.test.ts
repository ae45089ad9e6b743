// What a Linux system says about its GPUs, as a tree of files.
import { mkdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect, it } from "vitest";
import { readGpuSystem, type GpuSystem } from "../../../../../src/backends/common/devices/gpu-system.ts";
import { temporaryFolder } from "../../../../support/temporary-folder.ts";

const manifest = "usr/share/vulkan/icd.d/radeon_icd.x86_64.json";

/** A system with an AMD card and its Vulkan driver. */
const withCard = {
  "dev/dri/card0": "",
  "dev/dri/renderD128": "",
  "sys/class/drm/renderD128/device/vendor": "0x1002\n",
  "sys/class/drm/renderD128/device/device": "0x744c\n",
  [manifest]: '{ "ICD": { "library_path": "libvulkan_radeon.so" } }',
};

function createSystem(files: Readonly<Record<string, string>>): {
  readonly root: string;
  readonly read: (environment?: Record<string, string>) => Promise<GpuSystem>;
} {
  const root = temporaryFolder("system");
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
  }
  return { root, read: (environment = {}) => readGpuSystem({ platform: "linux", environment, root }) };
}

describe("readGpuSystem", () => {
  it("finds a card by its render node, with the kernel's driver and the PCI ids", async () => {
    const { root, read } = createSystem(withCard);
    symlinkSync("/bus/pci/drivers/amdgpu", join(root, "sys/class/drm/renderD128/device/driver"));
    expect(await read()).toMatchObject({
      mayHaveGpu: true,
      findings: [
        "/dev/dri/renderD128: amdgpu 1002:744c",
        `Vulkan driver libvulkan_radeon.so (${join(root, manifest)})`,
      ],
    });
  });

  it("finds NVIDIA's device files and the version of its driver", async () => {
    const version = "NVRM version: NVIDIA UNIX x86_64 Kernel Module  570.211.01\nGCC version: 12";
    const { read } = createSystem({ "dev/nvidia0": "", "dev/nvidiactl": "", "proc/driver/nvidia/version": version });
    expect(await read()).toMatchObject({ mayHaveGpu: true, findings: ["/dev/nvidia0", version.split("\n")[0]] });
  });

  it("says that there is none where only a display or a software driver is there", async () => {
    const { read } = createSystem({ "dev/dri/card0": "", [manifest]: "{}" });
    const { mayHaveGpu, findings } = await read();
    expect(mayHaveGpu).toBe(false);
    expect(findings[0]).toMatch(/^No GPU has a device file/);
  });

  it("has a key that changes with the card, the driver's manifest and version, and the variables that choose", async () => {
    const { root, read } = createSystem(withCard);
    const keys = [await read(), await read({ CUDA_VISIBLE_DEVICES: "1" })];
    writeFileSync(join(root, manifest), '{ "ICD": { "library_path": "libvulkan_radeon.so", "api_version": "1.4.0" } }');
    keys.push(await read());
    mkdirSync(join(root, "proc/driver/nvidia"), { recursive: true });
    writeFileSync(join(root, "proc/driver/nvidia/version"), "570");
    keys.push(await read());
    writeFileSync(join(root, "proc/driver/nvidia/version"), "575");
    keys.push(await read());
    rmSync(join(root, "dev/dri/renderD128"));
    keys.push(await read());
    expect(new Set(keys.map(({ key }) => key)).size).toBe(keys.length);
    expect((await read()).key, "the same system has the same key").toBe(keys.at(-1)?.key);
  });

  it("has a key that changes when a driver's library does", async () => {
    const { root, read } = createSystem({ [manifest]: '{ "ICD": { "library_path": "./libvulkan.so" } }' });
    const library = join(root, dirname(manifest), "libvulkan.so");
    writeFileSync(library, "1");
    const { key } = await read();
    writeFileSync(library, "version 2");
    expect((await read()).key).not.toBe(key);
  });

  it("reads the drivers that a variable names in place of the system's", async () => {
    const { root, read } = createSystem({ ...withCard, "other.json": '{ "ICD": { "library_path": "libother.so" } }' });
    const { findings } = await read({ VK_DRIVER_FILES: join(root, "other.json") });
    expect(findings.filter((finding) => finding.startsWith("Vulkan driver"))).toEqual([
      `Vulkan driver libother.so (${join(root, "other.json")})`,
    ]);
  });

  it("leaves it to a probe elsewhere", async () => {
    for (const platform of ["darwin", "win32"] as const) {
      expect(await readGpuSystem({ platform, environment: {} })).toMatchObject({ mayHaveGpu: true });
    }
  });
});
