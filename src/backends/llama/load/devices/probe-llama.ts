// Finds out whether llama.cpp computes on a GPU what it computes on the CPU: by the bundled model, in another process.
import { join } from "node:path";
import type { DeviceDecision } from "../../../common/devices/device-memory.ts";
import { runApart } from "../../../common/devices/run-apart.ts";
import { packageRoot } from "../../../../config/paths.ts";
import type { LlamaProbeAnswer, LlamaProbeJob } from "./probe-job.ts";

type Scope = Pick<LlamaProbeJob, "allowsSoftware">;

/** A driver may have to compile its programs first: Mesa's llvmpipe took 30 s on two cores. */
const timeoutMs = 180_000;

/**
 * Largest difference in a log-probability. The bundled model's weights have 8 bits and GPUs sum in half precision: llvmpipe comes to 0.03.
 * A wrong kernel is off by whole units.
 */
const largestDifference = 0.2;

/** The subject under which the finding is remembered: it is the same for all models. */
export function llamaSubject({ allowsSoftware }: Scope): string {
  return allowsSoftware ? "llama.cpp, software GPUs too" : "llama.cpp";
}

/** The decision by a probe now. */
export async function probeLlama({ allowsSoftware }: Scope, signal: AbortSignal): Promise<DeviceDecision> {
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
      return { ...onCpu(`a GPU was tried: ${answer.message}`, true), isPassing: true };
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
