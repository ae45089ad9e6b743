// Asks the operating system about processes: Linux through files, other POSIX systems through `ps`, Windows through PowerShell.
import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { promisify } from "node:util";
import type { ProcessDescription, ProcessTable } from "./npm-parent.ts";

const run = promisify(execFile);

export const processTable: ProcessTable = {
  parentId: () => process.ppid,
  isAlive(id) {
    try {
      // Signal 0 is not delivered: it only asks whether the process exists.
      return process.kill(id, 0);
    } catch (error) {
      // EPERM: the process exists and belongs to another user.
      return (error as NodeJS.ErrnoException).code !== "ESRCH";
    }
  },
  async describe(id) {
    try {
      if (process.platform === "linux") return fromStat(await readFile(`/proc/${id}/stat`, "utf8"));
      if (process.platform === "win32") return fromWords(await askPowerShell(id));
      return fromWords((await run("ps", ["-o", "ppid=", "-o", "comm=", "-p", String(id)])).stdout);
    } catch {
      return null;
    }
  },
};

/** Parses `/proc/ID/stat` (proc_pid_stat(5)): `ID (name) state parent ...`, where the name may hold anything, brackets too. */
export function fromStat(stat: string): ProcessDescription | null {
  const end = stat.lastIndexOf(")");
  const parentId = Number(stat.slice(end + 2).split(" ")[1]);
  return Number.isSafeInteger(parentId) ? { name: stat.slice(stat.indexOf("(") + 1, end), parentId } : null;
}

/** Parses a line `parent name`. */
export function fromWords(line: string): ProcessDescription | null {
  const [, parentId, name] = /^\s*(\d+)\s+(.+?)\s*$/.exec(line) ?? [];
  return parentId === undefined || name === undefined ? null : { name, parentId: Number(parentId) };
}

async function askPowerShell(id: number): Promise<string> {
  const question = `Get-CimInstance Win32_Process -Filter 'ProcessId=${id}' | ForEach-Object { "$($_.ParentProcessId) $($_.Name)" }`;
  const command = ["-NoProfile", "-NonInteractive", "-Command", question];
  return (await run("powershell.exe", command, { windowsHide: true })).stdout;
}
