// Software GPUs for tests: SwiftShader, which Chromium brings along, runs WebGPU, and Mesa's llvmpipe runs Vulkan for llama.cpp. Both
// are found where the distributions' packages put them.
import { existsSync } from "node:fs";
import type { DeviceServices, DeviceUse, GpuPolicy } from "../../src/domain/device.ts";
import { requirement, type Requirement } from "./skips/requires.ts";

const loaders = ["/usr/lib/x86_64-linux-gnu", "/usr/lib/aarch64-linux-gnu", "/usr/lib64", "/usr/lib"].map(
  (folder) => `${folder}/libvulkan.so.1`,
);

const swiftShaderManifests = ["/usr/lib/chromium", "/opt/google/chrome", "/usr/lib/chromium-browser"].map(
  (folder) => `${folder}/vk_swiftshader_icd.json`,
);

const llvmpipeManifests = ["lvp_icd.x86_64.json", "lvp_icd.aarch64.json", "lvp_icd.json"].map(
  (name) => `/usr/share/vulkan/icd.d/${name}`,
);

export interface SoftwareGpu extends Requirement {
  /** Variables that make the Vulkan loader, and llama.cpp, take this GPU and no other. */
  readonly environment: Readonly<Record<string, string>>;
}

function softwareGpu(manifests: readonly string[], what: string): SoftwareGpu {
  const manifest = manifests.find((file) => existsSync(file));
  const isMet = manifest !== undefined && loaders.some((file) => existsSync(file));
  return {
    ...requirement(isMet, what),
    environment: isMet ? { VK_DRIVER_FILES: manifest, GGML_VK_VISIBLE_DEVICES: "0" } : {},
  };
}

export const swiftShader = softwareGpu(swiftShaderManifests, "SwiftShader of Debian's chromium");
export const llvmpipe = softwareGpu(llvmpipeManifests, "Debian's mesa-vulkan-drivers");

/** Puts the GPU's variables into this process's environment, and thereby into that of every process that it starts. */
export function useGpu({ environment }: SoftwareGpu): void {
  Object.assign(process.env, environment);
}

/** The services of a server that only listens. `told` = what it was told, in order. */
export function deviceServices(policy: GpuPolicy): { readonly services: DeviceServices; readonly told: DeviceUse[] } {
  const told: DeviceUse[] = [];
  return {
    told,
    services: {
      policy,
      fault: undefined,
      tell: (use) => {
        told.push(use);
        return Promise.resolve();
      },
      giveUp: (reason) => Promise.reject(new Error(reason)),
    },
  };
}
