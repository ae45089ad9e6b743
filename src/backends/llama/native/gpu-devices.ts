// Whether it is worth looking for a GPU. The Vulkan library and the drivers that it loads, those that compute on the CPU included, take
// 70 MB and stay loaded where they find nothing.
import { readdirSync } from "node:fs";

/** Device files of drivers that compute: DRM's render nodes, CUDA's, ROCm's, WSL's, and those of boards. */
const deviceFiles = /^(?:nvidia\d|nvidiactl|nvhost|nvmap|dxg$|kfd$|mali\d|kgsl)/;
const renderNode = /^renderD\d+$/;

/** Names in a folder; empty where there is none. */
export type ListNames = (path: string) => readonly string[];

/** False where the system shows no device that llama.cpp could compute on. Only Linux tells. */
export function mayHaveGpu({
  platform = process.platform,
  list = listNames,
}: { readonly platform?: NodeJS.Platform; readonly list?: ListNames } = {}): boolean {
  if (platform !== "linux") return true;
  return list("/dev").some((name) => deviceFiles.test(name)) || list("/dev/dri").some((name) => renderNode.test(name));
}

function listNames(path: string): readonly string[] {
  try {
    return readdirSync(path);
  } catch {
    return [];
  }
}
