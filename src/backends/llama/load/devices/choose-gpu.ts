// Chooses whether llama.cpp computes on a GPU: remembered, or found out in a process of its own by the bundled model, which is computed
// there and on the CPU. Which of CUDA, Vulkan and Metal it is, node-llama-cpp finds.
import { join } from "node:path";
import { getModuleVersion } from "node-llama-cpp";
import { DeviceMemory, type DeviceDecision } from "../../../common/devices/device-memory.ts";
import { readGpuSystem } from "../../../common/devices/gpu-system.ts";
import { runApart } from "../../../common/devices/run-apart.ts";
import { packageRoot } from "../../../../config/paths.ts";
import type { BackendContext } from "../../../../domain/backend.ts";
import type { TextModelOptions } from "../../../../domain/model.ts";
import type { LlamaProbeAnswer, LlamaProbeJob } from "./probe-job.ts";

/** The subject under which the finding is remembered: it is the same for all models. */
export const llamaSubject = "llama.cpp";

/** Changes when what is remembered must be found out anew. */
const version = 1;

/** A driver may have to compile its programs first: Mesa's llvmpipe took 30 s on two cores. */
const timeoutMs = 180_000;

/**
 * Largest difference in a log-probability. The bundled model's weights have 8 bits and GPUs sum in half precision: llvmpipe comes to 0.03.
 * A wrong kernel is off by whole units.
 */
const largestDifference = 0.2;

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
  const subject = allowsSoftware ? `${llamaSubject}, software GPUs too` : llamaSubject;
  const key = [version, system.key, await getModuleVersion()].join(" ");
  const known = await memory.recall(subject, key);
  if (known !== undefined) return known;
  const decision = await probeLlama({ allowsSoftware }, signal);
  await memory.remember(subject, key, decision);
  return decision;
}

/** The decision by a probe now. */
export async function probeLlama(
  { allowsSoftware }: Pick<LlamaProbeJob, "allowsSoftware">,
  signal: AbortSignal,
): Promise<DeviceDecision> {
  const job: LlamaProbeJob = { modelPath: join(packageRoot, "models", "tiny-chat", "tiny-chat.gguf"), allowsSoftware };
  const isSource = import.meta.url.endsWith(".ts");
  const entry = new URL(`./probe-process.${isSource ? "ts" : "js"}`, import.meta.url);
  const outcome = await runApart({ entry, job, timeoutMs, signal });
  if (outcome.type === "lost") {
    const last = outcome.output.at(-1);
    return onCpu(`a GPU was tried: ${outcome.reason}${last === undefined ? "" : ` (${last})`}`, true);
  }
  return judge(outcome.answer as LlamaProbeAnswer);
}

function judge(answer: LlamaProbeAnswer): DeviceDecision {
  switch (answer.type) {
    case "none":
      return onCpu("llama.cpp found no usable GPU on this machine");
    case "software":
      return onCpu(`${answer.gpu} has only a software GPU (${answer.names.join(", ")})`);
    case "failed":
      return onCpu(`a GPU was tried: ${answer.message}`, true);
    case "ran": {
      const { gpu, names, difference } = answer;
      const adapter = names.join(", ");
      if (!(difference <= largestDifference)) {
        const differ = `they differ by up to ${difference.toPrecision(2)} in a log-probability`;
        return onCpu(`${gpu} (${adapter}) does not give the CPU's results: ${differ}`, true);
      }
      const note = `log-probabilities of the bundled model differ from the CPU's by up to ${difference.toPrecision(2)}`;
      return { device: gpu, adapter, note, isFault: false };
    }
  }
}

function onCpu(note: string, isFault = false): DeviceDecision {
  return { device: "cpu", note, isFault };
}
