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
