// Tells GPUs from programs that play one, by the names that drivers give their devices.

/** SwiftShader, Mesa's llvmpipe (also as lavapipe), Windows' WARP, and drivers for tests that compute nothing. */
const softwareNames = /swiftshader|llvmpipe|lavapipe|softpipe|basic render|\bwarp\b|null ?hw|mock/i;

export function isSoftwareAdapter(name: string): boolean {
  return softwareNames.test(name);
}

/** Makes the Vulkan loader write which device a library opens, which not every library tells. */
export const loaderTrace = { VK_LOADER_DEBUG: "driver" } as const;

/** The device that was opened last, in the output of a process that ran with {@link loaderTrace}. */
export function openedVulkanDevice(output: readonly string[]): string | undefined {
  return output.map((line) => /\bUsing "(.+)" with driver: "/.exec(line)?.[1]).findLast((name) => name !== undefined);
}

export interface AdapterSigns {
  readonly platform: NodeJS.Platform;
  /** Of the process that opened the adapter; on Windows with ONNX Runtime's list of the GPUs that it finds. */
  readonly output: readonly string[];
  /** That process holds a GPU's device file open (Linux). */
  readonly holdsDeviceFile: boolean;
}

/** Whether the adapter that WebGPU has opened is a GPU: by its name where the Vulkan loader told it, else by other signs. */
export function isHardwareAdapter(name: string | undefined, signs: AdapterSigns): boolean {
  if (name !== undefined) return !isSoftwareAdapter(name);
  switch (signs.platform) {
    case "darwin":
      // Metal has nothing else.
      return true;
    case "win32":
      // The list leaves software out, and type 1 is a GPU. WebGPU takes the fastest.
      return signs.output.some((line) => /Discovered OrtHardwareDevice .*\btype:1\b/.test(line));
    default:
      return signs.holdsDeviceFile;
  }
}
