// Processor time of threads, as Linux tells it under /proc; `null` on other systems. What a process uses as a whole would hide
// what is asked for here: in a runner most of it is the decode itself, on a thread of its own.
import { readdirSync, readFileSync } from "node:fs";

/** USER_HZ, which Linux fixes at 100 for what it tells programs. */
const tickMs = 10;

/** Milliseconds that a process's main thread has used. */
export function mainThreadMs(processId: number): number | null {
  return threadMs(processId, String(processId));
}

/** Milliseconds that all living threads of a process have used; its children do not count. */
export function processMs(processId: number): number | null {
  const threads = list(`/proc/${processId}/task`);
  if (threads.length === 0) return null;
  return threads.reduce((total, thread) => total + (threadMs(processId, thread) ?? 0), 0);
}

/** The child of a process that calls itself a runner (`process.title`). */
export function findRunner(processId: number): number | null {
  const found = list("/proc").find(
    (entry) =>
      /^\d+$/.test(entry) &&
      Number(statFields(`/proc/${entry}/stat`)?.[1]) === processId &&
      read(`/proc/${entry}/cmdline`)?.startsWith("hearth runner") === true,
  );
  return found === undefined ? null : Number(found);
}

function threadMs(processId: number, thread: string): number | null {
  const folder = `/proc/${processId}/task/${thread}`;
  // The first number is nanoseconds on a processor; kernels without it count ticks (proc(5): utime, stime).
  const nanoseconds = read(`${folder}/schedstat`)?.split(" ")[0];
  if (nanoseconds !== undefined) return Number(nanoseconds) / 1e6;
  const fields = statFields(`${folder}/stat`);
  return fields === undefined ? null : (Number(fields[11]) + Number(fields[12])) * tickMs;
}

/** What follows the name, which may hold blanks and brackets: state, parent, ... */
function statFields(path: string): string[] | undefined {
  return read(path)
    ?.replace(/^.*\) /s, "")
    .split(" ");
}

function list(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

/** `undefined` when the thread has just ended, or there is no such file here. */
function read(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return undefined;
  }
}
