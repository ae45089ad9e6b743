// Reads the processor time of threads from Linux's /proc; `null` on other systems. Of a runner the main thread counts, as most of the
// process's time is the decode itself, on another thread.
import { readdirSync, readFileSync } from "node:fs";

/** One tick of USER_HZ, which Linux fixes at 100 per second for programs. */
const tickMs = 10;

/** Milliseconds that a process's main thread has used. */
export function mainThreadMs(processId: number): number | null {
  return threadMs(processId, String(processId));
}

/** Milliseconds that all living threads of a process have used, without its children. */
export function processMs(processId: number): number | null {
  const threads = list(`/proc/${processId}/task`);
  if (threads.length === 0) return null;
  return threads.reduce((total, thread) => total + (threadMs(processId, thread) ?? 0), 0);
}

/** The id of a process's child whose title says that it is a runner (`process.title` in src/runner.ts). */
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

/** The fields after the process's name, which may hold blanks and brackets: state, parent, ... */
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

/** `undefined` when the thread has just ended or the system has no such file. */
function read(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return undefined;
  }
}
