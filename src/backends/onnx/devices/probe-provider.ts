// Finds out whether a graph runs on a GPU as it does on the CPU: by one run in another process, whose values and time are compared.
import type { DeviceDecision } from "../../common/devices/device-memory.ts";
import { isHardwareAdapter, loaderTrace, openedVulkanDevice } from "../../common/devices/adapters.ts";
import { runApart } from "../../common/devices/run-apart.ts";
import type { GpuPolicy } from "../../../domain/device.ts";
import { relativeDifference } from "../results.ts";
import type { ProbeAnswer, ProbeJob, RunAnswer } from "./probe-job.ts";
import { timedRuns, type Rehearsal } from "./rehearsal.ts";

export interface ProbeOptions {
  readonly path: string;
  readonly threads: number;
  readonly rehearsal: Rehearsal;
  readonly policy: GpuPolicy;
  readonly signal: AbortSignal;
  /** @default 120000 */
  readonly timeoutMs?: number;
}

/**
 * Largest distance from the CPU's values, as a share of their length. GPUs in half precision or TF32 come to 0.001 to 0.005 over a deep
 * graph, and a wrong kernel to 1.
 */
const largestDifference = 0.01;

/** The decision to use `provider`, or the reason against it. */
export async function probeProvider(provider: string, options: ProbeOptions): Promise<DeviceDecision> {
  const { path, threads, rehearsal, policy } = options;
  const { outcome, output } = await runProbe(
    {
      type: "run",
      path,
      provider,
      threads,
      feeds: rehearsal.feeds,
      fetches: rehearsal.fetches,
      // What plays a GPU is slower than the CPU, always.
      timedRuns: policy === "any" ? 0 : timedRuns,
      tracesDevices: process.platform === "win32",
    },
    options,
  );
  if (typeof outcome === "string") return against(`${provider} was tried: ${outcome}`, true);
  if (outcome.type === "failed") return judgeFailure(provider, outcome.message);
  if (outcome.type !== "ran") throw new Error("a probe answered another question");
  return judgeRun(provider, { answer: outcome, output, options });
}

/** Has a job done in a process of its own. `outcome` is a text, part of a sentence, where that process was lost. */
export async function runProbe(
  job: ProbeJob,
  { signal, timeoutMs = 120_000 }: Pick<ProbeOptions, "signal" | "timeoutMs">,
): Promise<{ readonly outcome: ProbeAnswer | string; readonly output: readonly string[] }> {
  const isSource = import.meta.url.endsWith(".ts");
  const entry = new URL(`./probe-process.${isSource ? "ts" : "js"}`, import.meta.url);
  const apart = await runApart({ entry, job, timeoutMs, signal, environment: loaderTrace });
  return { outcome: apart.type === "lost" ? apart.reason : (apart.answer as ProbeAnswer), output: apart.output };
}

function judgeFailure(provider: string, message: string): DeviceDecision {
  // Every installation has WebGPU, and most machines no driver for it.
  if (/failed to get a webgpu adapter/i.test(message)) return against("webgpu finds no driver that it can use", false);
  return { ...against(`${provider} failed: ${firstLine(message)}`, true), isPassing: true };
}

function judgeRun(
  provider: string,
  {
    answer,
    output,
    options: { rehearsal, policy },
  }: {
    readonly answer: RunAnswer;
    readonly output: readonly string[];
    readonly options: ProbeOptions;
  },
): DeviceDecision {
  const adapter = openedVulkanDevice(output);
  const where = adapter === undefined ? provider : `${provider} (${adapter})`;
  const { holdsDeviceFile } = answer;
  const { platform } = process;
  const isHardware = provider !== "webgpu" || isHardwareAdapter(adapter, { platform, output, holdsDeviceFile });
  if (!isHardware && policy !== "any") return against(`${where} is no hardware`, false);
  const difference = Math.max(
    ...rehearsal.results.map((expected, index) => relativeDifference(answer.results[index] ?? [], expected)),
  );
  if (!(difference <= largestDifference)) {
    return against(`${where} does not give the CPU's values: they differ by ${percent(difference)}`, true);
  }
  const { milliseconds } = answer;
  const times =
    milliseconds === undefined ? "" : `: ${shown(milliseconds)} ms, the CPU ${shown(rehearsal.milliseconds)} ms`;
  if (milliseconds !== undefined && milliseconds > rehearsal.milliseconds)
    return against(`${where} is slower${times}`, false);
  return {
    device: provider,
    ...(adapter === undefined ? {} : { adapter }),
    note: `its values differ from the CPU's by ${percent(difference)}${milliseconds === undefined ? "" : `, and it is faster${times}`}`,
    isFault: false,
  };
}

function against(note: string, isFault: boolean): DeviceDecision {
  return { device: "cpu", note, isFault };
}

function percent(share: number): string {
  return Number.isFinite(share) ? `${(share * 100).toPrecision(2)} %` : "any measure";
}

function shown(milliseconds: number): string {
  return milliseconds.toPrecision(2);
}

function firstLine(message: string): string {
  return message.trim().split("\n")[0] ?? message;
}
