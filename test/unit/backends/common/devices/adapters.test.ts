import { describe, expect, it } from "vitest";
import {
  isHardwareAdapter,
  isSoftwareAdapter,
  openedVulkanDevice,
} from "../../../../../src/backends/common/devices/adapters.ts";

describe("isSoftwareAdapter", () => {
  it.each([
    "SwiftShader Device (Subzero)",
    "SwiftShader Device (LLVM 10.0.0)",
    "llvmpipe (LLVM 15.0.6, 256 bits)",
    "Microsoft Basic Render Driver",
    "Microsoft Direct3D12 (Microsoft Basic Render Driver)",
    "Virtio-GPU Venus (llvmpipe (LLVM 19.1.1, 256 bits))",
  ])("knows %s", (name) => {
    expect(isSoftwareAdapter(name)).toBe(true);
  });

  it.each([
    "NVIDIA GeForce RTX 4090",
    "AMD Radeon RX 7900 XTX (RADV NAVI31)",
    "Intel(R) UHD Graphics 770 (ADL-S GT1)",
    "Apple M3 Max",
    "Mali-G610",
    "Virtio-GPU Venus (NVIDIA GeForce RTX 4090)",
  ])("takes %s for hardware", (name) => {
    expect(isSoftwareAdapter(name)).toBe(false);
  });
});

describe("openedVulkanDevice", () => {
  it("reads the last device that the loader opened, by loaders old and new", () => {
    const output = [
      'DRIVER:           Found ICD manifest file /usr/share/vulkan/icd.d/lvp_icd.x86_64.json, version "1.0.0"',
      'DRIVER:                  Using "Intel(R) UHD Graphics (ADL GT2)" with driver: "/usr/lib/libvulkan_intel.so"',
      'DRIVER | LAYER:          Using "NVIDIA GeForce RTX 3060" with driver: "libGLX_nvidia.so.0"',
    ];
    expect(openedVulkanDevice(output)).toBe("NVIDIA GeForce RTX 3060");
    expect(openedVulkanDevice(output.slice(0, 1))).toBeUndefined();
  });
});

describe("isHardwareAdapter", () => {
  const found =
    "[I:onnxruntime] Discovered OrtHardwareDevice {vendor_id:0x10de, device_id:0x2504, vendor:NVIDIA, type:1, metadata: []}";
  const processor =
    "[I:onnxruntime] Discovered OrtHardwareDevice {vendor_id:0x8086, device_id:0x0, vendor:Intel, type:0, metadata: []}";

  it("goes by the name where there is one, whatever else is there", () => {
    const signs = { platform: "linux", output: [], holdsDeviceFile: true } as const;
    expect(isHardwareAdapter("llvmpipe (LLVM 19.1.1, 256 bits)", signs)).toBe(false);
    expect(isHardwareAdapter("AMD Radeon Graphics (RADV RENOIR)", { ...signs, holdsDeviceFile: false })).toBe(true);
  });

  it.each([
    ["linux", true, [], true],
    ["linux", false, [found], false],
    ["darwin", false, [], true],
    ["win32", false, [processor, found], true],
    ["win32", false, [processor], false],
  ] as const)(
    "goes without a name by the signs of %s (device file %j, %j)",
    (platform, holdsDeviceFile, output, expected) => {
      expect(isHardwareAdapter(undefined, { platform, holdsDeviceFile, output })).toBe(expected);
    },
  );
});
