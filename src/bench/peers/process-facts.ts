// Reads the memory and processor time of a process and its descendants from Linux's /proc.
import { readdirSync, readFileSync } from "node:fs";

/**
 * Bytes of resident memory (`VmRSS`) of a process and its descendants; `null` where there is no /proc. Pages that several processes
 * share, such as the program itself, count in each. Shares of pages (`Pss`) would depend on how many other processes of the same
 * program happen to run.
 */
export function residentTreeBytes(processId: number): number | null {
  const tree = processTree(processId);
  return tree === null ? null : [...tree.keys()].reduce((total, id) => total + residentBytes(id), 0);
}

/**
 * Milliseconds of processor time, user and system, that a process and its descendants have used so far, those included that have ended
 * and were waited for. In steps of 10 ms, the kernel's tick. `null` where there is no /proc.
 */
export function processorTreeMs(processId: number): number | null {
  const tree = processTree(processId);
  if (tree === null) return null;
  return [...tree.values()].reduce((total, { processorMs }) => total + processorMs, 0);
}

interface ProcessFacts {
  readonly parent: number;
  readonly processorMs: number;
}

/** One tick of USER_HZ, which Linux fixes at 100 per second for programs. */
const tickMs = 10;

function processTree(processId: number): Map<number, ProcessFacts> | null {
  const all = readProcesses();
  if (all === null) return null;
  const tree = new Map<number, ProcessFacts>();
  const root = all.get(processId);
  if (root !== undefined) tree.set(processId, root);
  // After the numbers wrap a child may have a lower one than its parent, so this repeats until nothing is added.
  for (let before = -1; before < tree.size;) {
    before = tree.size;
    for (const [id, facts] of all) if (tree.has(facts.parent)) tree.set(id, facts);
  }
  return tree;
}

function readProcesses(): Map<number, ProcessFacts> | null {
  let entries: string[];
  try {
    entries = readdirSync("/proc");
  } catch {
    return null;
  }
  const processes = new Map<number, ProcessFacts>();
  for (const entry of entries) {
    if (!/^\d+$/.test(entry)) continue;
    // "pid (name) state ppid ...": the name may hold blanks and brackets. After it, numbers 12 to 15 (proc(5): utime,
    // stime, cutime, cstime) count ticks.
    const fields = read(`/proc/${entry}/stat`)
      ?.replace(/^.*\) /s, "")
      .split(" ");
    if (fields === undefined) continue;
    const ticks = fields.slice(11, 15).reduce((total, field) => total + Number(field), 0);
    processes.set(Number(entry), { parent: Number(fields[1]), processorMs: ticks * tickMs });
  }
  return processes.size === 0 ? null : processes;
}

function residentBytes(processId: number): number {
  const resident = /^VmRSS:\s+(\d+) kB$/m.exec(read(`/proc/${processId}/status`) ?? "");
  return Number(resident?.[1] ?? 0) * 1024;
}

/** `undefined` when the process has just ended or may not be read. */
function read(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return undefined;
  }
}
