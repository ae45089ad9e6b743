// Memory of a process and of all it has started, as Linux tells it under /proc.
import { readdirSync, readFileSync } from "node:fs";

/**
 * Bytes of resident memory of a process and its descendants, pages that several share counted in shares (`Pss`) where
 * the kernel tells them. `null` where there is no /proc.
 */
export function residentTreeBytes(processId: number): number | null {
  const parents = readParents();
  if (parents === null) return null;
  const tree = new Set([processId]);
  // Children have higher numbers than parents only until the numbers wrap, so look until nothing is added.
  for (let before = 0; before < tree.size;) {
    before = tree.size;
    for (const [child, parent] of parents) if (tree.has(parent)) tree.add(child);
  }
  return [...tree].reduce((total, id) => total + residentBytes(id), 0);
}

function readParents(): Map<number, number> | null {
  let entries: string[];
  try {
    entries = readdirSync("/proc");
  } catch {
    return null;
  }
  const parents = new Map<number, number>();
  for (const entry of entries) {
    if (!/^\d+$/.test(entry)) continue;
    // "pid (name) state ppid ...": the name may hold blanks and brackets.
    const fields = read(`/proc/${entry}/stat`)
      ?.replace(/^.*\) /s, "")
      .split(" ");
    if (fields !== undefined) parents.set(Number(entry), Number(fields[1]));
  }
  return parents.size === 0 ? null : parents;
}

function residentBytes(processId: number): number {
  const share = /^Pss:\s+(\d+) kB$/m.exec(read(`/proc/${processId}/smaps_rollup`) ?? "");
  const resident = share ?? /^VmRSS:\s+(\d+) kB$/m.exec(read(`/proc/${processId}/status`) ?? "");
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
