// `hearth doctor`: which GPUs the system has, which of them the libraries can use, and where each model is computed and why. What is
// tried is tried in other processes, so that a driver that crashes is a line of the report.
import { arch, availableParallelism, release, totalmem } from "node:os";
import { join, sep } from "node:path";
import { isSoftwareAdapter } from "../../backends/common/devices/adapters.ts";
import {
  DeviceMemory,
  type DeviceDecision,
  type RememberedDecision,
} from "../../backends/common/devices/device-memory.ts";
import { readGpuSystem, type GpuSystem } from "../../backends/common/devices/gpu-system.ts";
import { llamaSubject, probeLlama } from "../../backends/llama/load/devices/probe-llama.ts";
import { inspectProviders, type ProviderFinding } from "../../backends/onnx/devices/inspect-providers.ts";
import type { Configuration } from "../../config/configuration.ts";
import { loadConfiguration } from "../../config/load-configuration.ts";
import type { ConfiguredModel } from "../../domain/model.ts";
import { version } from "../../version.ts";
import { configurationOptions } from "../arguments/configuration-options.ts";
import { forgetFlag } from "../arguments/doctor-flags.ts";
import { isSet } from "../arguments/flag-values.ts";
import type { CommandContext } from "../command.ts";
import { formatTable, type Terminal } from "../terminal.ts";

interface Examination {
  readonly configuration: Configuration;
  readonly system: GpuSystem;
  readonly terminal: Terminal;
  readonly signal: AbortSignal;
}

export async function runDoctor(context: CommandContext): Promise<number> {
  const { flags, terminal } = context;
  const configuration = loadConfiguration(configurationOptions(context));
  for (const warning of configuration.warnings) terminal.warn(`Warning: ${warning}`);
  const { print, palette } = terminal;
  if (isSet(flags, forgetFlag.flag)) {
    await new DeviceMemory(configuration.runners.cacheDirectory).forgetAll();
    print("What was remembered of GPUs is forgotten: the next load of each model tries them again.\n");
  }
  const memory = `${(totalmem() / 2 ** 30).toFixed(1)} GiB of memory`;
  print(`Hearth ${version}, Node ${process.versions.node}, ${process.platform} ${release()} ${arch()}`);
  print(`${availableParallelism()} cores, ${memory}`);
  const system = await readGpuSystem({ platform: process.platform, environment: process.env });
  print(`\n${palette.strong("GPUs, as the system tells")} (runners.gpu is ${configuration.runners.gpu})`);
  for (const finding of system.findings) print(`  ${finding}`);
  if (system.findings.length === 0) print("  nothing that is read here; they are tried below");
  const examination = { configuration, system, terminal, signal: new AbortController().signal };
  // Who switches GPUs off may do so because the machine does not survive a try.
  if (configuration.runners.gpu === "off") print("  none is tried");
  else {
    await examineRuntime(examination);
    await examineLlama(examination);
  }
  await listDecisions(examination);
  return 0;
}

async function examineRuntime({ terminal, signal }: Examination): Promise<void> {
  const { print, palette } = terminal;
  const title = palette.strong("ONNX Runtime");
  try {
    const { version: runtime, providers } = await inspectProviders(signal);
    print(`\n${title} ${runtime} (embeddings, reranking, images)`);
    for (const row of formatTable(providers.map((provider) => [`  ${provider.name}`, describeProvider(provider)])))
      print(row);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    print(`\n${title} (embeddings, reranking, images)\n  ${palette.bad("does not work")}: ${reason}`);
  }
}

function describeProvider({ name, isInstalled, decision }: ProviderFinding): string {
  if (name === "cpu") return "works always";
  if (!isInstalled) return 'its library is not installed (README.md, "GPU")';
  return decision === undefined ? "is only used where a model's configuration names it" : describeTrial(decision);
}

async function examineLlama({ configuration, terminal, signal }: Examination): Promise<void> {
  const decision = await probeLlama({ allowsSoftware: configuration.runners.gpu === "any" }, signal);
  terminal.print(`\n${terminal.palette.strong("llama.cpp")} (text)`);
  terminal.print(`  ${decision.device === "cpu" ? decision.note : `${decision.device}  ${describeTrial(decision)}`}`);
}

/** Of a device that was tried now. */
function describeTrial({ device, adapter, note }: DeviceDecision): string {
  if (device === "cpu") return note;
  const name = adapter === undefined ? "" : `: ${adapter}`;
  const software = adapter !== undefined && isSoftwareAdapter(adapter) ? " (no hardware)" : "";
  return `works${name}${software}; ${note}`;
}

async function listDecisions(examination: Examination): Promise<void> {
  const { configuration, terminal } = examination;
  const remembered = await new DeviceMemory(configuration.runners.cacheDirectory).all();
  terminal.print(`\n${terminal.palette.strong("Models")}`);
  for (const model of configuration.models) {
    const lines = describeModel(model, { ...examination, remembered });
    terminal.print(`  ${model.id} (${model.purpose})`);
    for (const line of lines) terminal.print(`    ${line}`);
  }
  terminal.print("\nWhat became of a GPU since a server was started, its GET /health/ready tells.");
}

interface Findings extends Examination {
  readonly remembered: readonly RememberedDecision[];
}

function describeModel({ options, path }: ConfiguredModel, findings: Findings): string[] {
  const { gpu } = findings.configuration.runners;
  if (options.kind === "upstream") return ["is computed elsewhere"];
  if (gpu === "off") return ["cpu: GPUs are switched off for all models (runners.gpu)"];
  if (options.kind === "text") {
    if (options.gpuLayers === 0) return ["cpu: gpu_layers is 0"];
    const allowsSoftware = gpu === "any" || options.gpuLayers !== "auto";
    return describeRemembered(["llama.cpp", llamaSubject({ allowsSoftware })], findings);
  }
  const { executionProviders } = options;
  if (!executionProviders.includes("auto")) return [`as configured: ${executionProviders.join(", then ")}`];
  const own = findings.remembered.filter(({ subject }) => subject.startsWith(join(path, sep)));
  if (own.length === 0) return describeRemembered(["", ""], findings);
  return own.flatMap(({ subject }) => describeRemembered([subject.slice(join(path, sep).length), subject], findings));
}

/** What is remembered of a subject, which people know by `name`. */
function describeRemembered(
  [name, subject]: readonly [string, string],
  { remembered, system, configuration }: Findings,
): string[] {
  const found = remembered.find((decision) => decision.subject === subject);
  if (found === undefined) {
    return system.mayHaveGpu || configuration.runners.gpu === "any"
      ? ["not decided yet: the first load tries"]
      : ["cpu: no GPU was found"];
  }
  const { device, adapter, note, decidedMs, key } = found;
  const where = adapter === undefined ? device : `${device} (${adapter})`;
  const when = new Date(decidedMs).toISOString().slice(0, 10);
  const isOld =
    key.system === system.key ? "" : "; hardware or drivers have changed since, so the next load tries again";
  return [`${name}: ${where}, ${note} (found out on ${when}${isOld})`];
}
