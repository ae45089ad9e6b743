// Chooses whether llama.cpp computes on a GPU: remembered, or found out in a process of its own by the bundled model, which is computed
// there and on the CPU. Which of CUDA, Vulkan and Metal it is, node-llama-cpp finds.
import { getModuleVersion } from "node-llama-cpp";
import { DeviceMemory, type DeviceDecision } from "../../../common/devices/device-memory.ts";
import { readGpuSystem } from "../../../common/devices/gpu-system.ts";
import type { BackendContext } from "../../../../domain/backend.ts";
import type { TextModelOptions } from "../../../../domain/model.ts";
import { llamaSubject, probeLlama } from "./probe-llama.ts";

/** Changes when what is remembered must be found out anew. */
const version = 1;

export async function chooseGpu(
  { gpuLayers }: Pick<TextModelOptions, "gpuLayers">,
  { cacheDirectory, signal, devices }: Pick<BackendContext, "cacheDirectory" | "signal" | "devices">,
): Promise<DeviceDecision> {
  if (gpuLayers === 0) return onCpu("");
  const isNamed = gpuLayers !== "auto";
  // Without a server that would notice a crash, what is named is taken as it is.
  if (devices === undefined) return isNamed ? { ...onCpu(""), device: "auto" } : onCpu("");
  if (devices.fault !== undefined) return onCpu(devices.fault, true);
  if (devices.policy === "off") return onCpu(isNamed ? "GPUs are switched off for all models (runners.gpu)" : "");
  const system = await readGpuSystem({ platform: process.platform, environment: process.env });
  if (!system.mayHaveGpu && devices.policy !== "any") {
    return onCpu(isNamed ? "llama.cpp found no usable GPU on this machine" : "");
  }
  const allowsSoftware = devices.policy === "any" || isNamed;
  const memory = new DeviceMemory(cacheDirectory);
  const subject = llamaSubject({ allowsSoftware });
  const key = { system: system.key, rest: `${version} ${await getModuleVersion()}` };
  const known = await memory.recall(subject, key);
  if (known !== undefined) return known;
  const decision = await probeLlama({ allowsSoftware }, signal);
  await memory.remember(subject, key, decision);
  return decision;
}

function onCpu(note: string, isFault = false): DeviceDecision {
  return { device: "cpu", note, isFault };
}
