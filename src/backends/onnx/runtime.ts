// The only file of the server that imports onnxruntime-node; the others take tensors and sessions from here.
import { statSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { env, InferenceSession, listSupportedBackends, Tensor } from "onnxruntime-node";

export { InferenceSession, Tensor };

/** Version of onnxruntime-node; empty where the library does not tell it. */
export function runtimeVersion(): string {
  return env.versions.node ?? "";
}

/** A device that the runtime was compiled for. */
export interface RuntimeProvider {
  readonly name: string;
  /** Its library is in place. That of CUDA is a download of its own, for which a placeholder may stand (scripts/preinstall.mjs). */
  readonly isInstalled: boolean;
}

export function runtimeProviders(): RuntimeProvider[] {
  return listSupportedBackends().map(({ name, bundled }) => ({ name, isInstalled: bundled || hasLibrary(name) }));
}

/** Makes the runtime write which GPUs it finds, before its first session. */
export function traceDevices(): void {
  env.logLevel = "info";
}

/** The smallest such library has some megabytes, a placeholder some hundred bytes. */
const leastLibraryBytes = 1_000_000;

function hasLibrary(provider: string): boolean {
  const folder = dirname(createRequire(import.meta.url).resolve("onnxruntime-node/package.json"));
  const name =
    process.platform === "win32" ? `onnxruntime_providers_${provider}.dll` : `libonnxruntime_providers_${provider}.so`;
  const file = join(folder, "bin", "napi-v6", process.platform, process.arch, name);
  return (statSync(file, { throwIfNoEntry: false })?.size ?? 0) >= leastLibraryBytes;
}
