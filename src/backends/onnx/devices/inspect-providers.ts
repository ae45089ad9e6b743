// Tries every GPU that ONNX Runtime can use here, by the bundled encoder, for a report to people. The runtime stays in other processes.
import { join } from "node:path";
import type { DeviceDecision } from "../../common/devices/device-memory.ts";
import { packageRoot } from "../../../config/paths.ts";
import type { PackedTensor, RunJob } from "./probe-job.ts";
import { probeProvider, runProbe } from "./probe-provider.ts";

export interface ProviderFinding {
  readonly name: string;
  /** Its library is in place. */
  readonly isInstalled: boolean;
  /** `undefined` where it was not tried. */
  readonly decision: DeviceDecision | undefined;
}

export interface RuntimeFindings {
  readonly version: string;
  readonly providers: readonly ProviderFinding[];
}

/** Providers that are not tried: the CPU always works, and TensorRT compiles each model for minutes. */
const untried: ReadonlySet<string> = new Set(["cpu", "tensorrt"]);

const ids = BigInt64Array.of(2n, 100n, 200n, 300n, 3n);

/** @throws Error where the runtime does not work at all */
export async function inspectProviders(signal: AbortSignal): Promise<RuntimeFindings> {
  const { outcome: listed } = await runProbe({ type: "list" }, { signal });
  if (typeof listed === "string") throw new Error(listed);
  if (listed.type !== "listed") throw new Error(listed.type === "failed" ? listed.message : "another answer");
  const job: Omit<RunJob, "provider"> = {
    type: "run",
    path: join(packageRoot, "models", "tiny-embed", "onnx", "model.onnx"),
    threads: 1,
    feeds: [
      feed("input_ids", ids),
      feed(
        "attention_mask",
        ids.map(() => 1n),
      ),
      feed(
        "token_type_ids",
        ids.map(() => 0n),
      ),
    ],
    fetches: ["last_hidden_state"],
    timedRuns: 0,
    tracesDevices: false,
  };
  const { outcome: reference } = await runProbe({ ...job, provider: "cpu" }, { signal });
  if (typeof reference === "string" || reference.type !== "ran") throw new Error("the bundled encoder does not run");
  const rehearsal = { feeds: job.feeds, fetches: job.fetches, results: reference.results, milliseconds: 0 };
  const providers: ProviderFinding[] = [];
  for (const { name, isInstalled } of listed.providers) {
    const isTried = isInstalled && !untried.has(name);
    // Software is told apart by its name in the report, and the time of a tiny model says nothing.
    const options = { path: job.path, threads: 1, rehearsal, policy: "any", signal } as const;
    providers.push({ name, isInstalled, decision: isTried ? await probeProvider(name, options) : undefined });
  }
  return { version: listed.version, providers };
}

function feed(name: string, values: BigInt64Array): PackedTensor {
  return { name, type: "int64", dims: [1, values.length], data: values };
}
