// Chooses the device of one graph where its configuration leaves that to the server: remembered, or found out now.
import { DeviceMemory, type DeviceDecision } from "../../common/devices/device-memory.ts";
import { readGpuSystem } from "../../common/devices/gpu-system.ts";
import type { BackendContext } from "../../../domain/backend.ts";
import { runtimeProviders, runtimeVersion } from "../runtime.ts";
import { probeProvider } from "./probe-provider.ts";
import type { Rehearsal } from "./rehearsal.ts";

export interface GraphToPlace {
  readonly path: string;
  /** Changes with the graph and its weights. */
  readonly fingerprint: string;
  readonly threads: number;
  /** Opens the graph on the CPU, runs it, and frees it again. */
  readonly rehearse: () => Promise<Rehearsal>;
}

/** GPUs in order of preference: a maker's own library before the one that is for all. */
const preferred = ["cuda", "coreml", "dml", "webgpu"] as const;

/** Changes when what is remembered must be found out anew. */
const version = 1;

export async function chooseProvider(
  graph: GraphToPlace,
  { cacheDirectory, signal, devices }: Pick<BackendContext, "cacheDirectory" | "signal" | "devices">,
): Promise<DeviceDecision> {
  const policy = devices?.policy ?? "off";
  if (policy === "off") return onCpu("");
  const system = await readGpuSystem({ platform: process.platform, environment: process.env });
  if (!system.mayHaveGpu && policy !== "any") return onCpu("");
  const installed = runtimeProviders().filter(({ isInstalled }) => isInstalled);
  const candidates = preferred.filter((name) => installed.some((provider) => provider.name === name));
  const memory = new DeviceMemory(cacheDirectory);
  const { fingerprint, threads } = graph;
  const rest = [version, runtimeVersion(), candidates.join(), policy, threads, fingerprint].join(" ");
  const key = { system: system.key, rest };
  const known = await memory.recall(graph.path, key);
  if (known !== undefined) return known;
  const decision = await tryInTurn(candidates, { graph, policy, signal });
  await memory.remember(graph.path, key, decision);
  return decision;
}

async function tryInTurn(
  candidates: readonly string[],
  {
    graph,
    policy,
    signal,
  }: { readonly graph: GraphToPlace; readonly policy: "auto" | "any"; readonly signal: AbortSignal },
): Promise<DeviceDecision> {
  const rehearsal = await graph.rehearse();
  const refusals: DeviceDecision[] = [];
  for (const provider of candidates) {
    const decision = await probeProvider(provider, { ...graph, rehearsal, policy, signal });
    if (decision.device !== "cpu") return decision;
    refusals.push(decision);
  }
  return {
    device: "cpu",
    note: refusals.map(({ note }) => note).join("; "),
    isFault: refusals.some(({ isFault }) => isFault),
    isPassing: refusals.some(({ isPassing }) => isPassing === true),
  };
}

function onCpu(note: string): DeviceDecision {
  return { device: "cpu", note, isFault: false };
}
