// A lock between processes, as a file that its holder creates and touches. It ends with its holder: a process that is gone, or has not
// touched its lock for a minute, holds none. Two processes that nevertheless fetched the same content would write the same bytes.
import { randomUUID } from "node:crypto";
import { mkdir, open, readFile, rm, stat, utimes } from "node:fs/promises";
import { hostname } from "node:os";
import { dirname } from "node:path";
import { isRecord } from "../../util/is-record.ts";

export interface LockOptions {
  readonly signal: AbortSignal;
  readonly delay: (delayMs: number, signal: AbortSignal) => Promise<void>;
  /** Called once, where another process holds the lock. */
  readonly onWait: (processId: number) => void;
}

interface Holder {
  readonly pid: number;
  readonly host: string;
  readonly token: string;
}

const touchEveryMs = 10_000;
const staleAfterMs = 60_000;
/** A lock is written right after it is created; one that is empty for longer belongs to a process that was killed in between. */
const emptyAfterMs = 5_000;
const askEveryMs = 250;

/** Waits for the lock, runs the work and gives the lock back, whatever happens. */
export async function withFileLock<T>(path: string, options: LockOptions, work: () => Promise<T>): Promise<T> {
  const token = await acquire(path, options);
  const timer = setInterval(() => {
    const now = new Date();
    utimes(path, now, now).catch(() => {});
  }, touchEveryMs);
  timer.unref();
  try {
    return await work();
  } finally {
    clearInterval(timer);
    if ((await readHolder(path))?.token === token) await rm(path, { force: true });
  }
}

async function acquire(path: string, { signal, delay, onWait }: LockOptions): Promise<string> {
  await mkdir(dirname(path), { recursive: true });
  const token = randomUUID();
  let hasWaited = false;
  while (!(await tryCreate(path, { pid: process.pid, host: hostname(), token }))) {
    signal.throwIfAborted();
    const holder = await readHolder(path);
    if (await isAbandoned(path, holder)) {
      await removeAbandoned(path, holder);
      continue;
    }
    if (!hasWaited && holder !== undefined) onWait(holder.pid);
    hasWaited ||= holder !== undefined;
    await delay(askEveryMs, signal);
  }
  return token;
}

async function tryCreate(path: string, holder: Holder): Promise<boolean> {
  try {
    const file = await open(path, "wx");
    try {
      await file.writeFile(JSON.stringify(holder));
    } finally {
      await file.close();
    }
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") return false;
    throw error;
  }
}

async function isAbandoned(path: string, holder: Holder | undefined): Promise<boolean> {
  const facts = await stat(path).catch(() => undefined);
  if (facts === undefined) return false; // Given back a moment ago.
  const ageMs = Date.now() - facts.mtimeMs;
  if (holder === undefined) return ageMs > emptyAfterMs;
  if (holder.host === hostname() && !isAlive(holder.pid)) return true;
  return ageMs > staleAfterMs;
}

/**
 * Removes a lock whose holder is gone. Two processes can find that out at once, and the slower one must not remove what the faster one has
 * created since: only the one that gets the lock of removal removes, and looks again before it does.
 */
async function removeAbandoned(path: string, holder: Holder | undefined): Promise<void> {
  const removal = `${path}.removal`;
  if (!(await tryCreate(removal, { pid: process.pid, host: hostname(), token: "" }))) {
    const facts = await stat(removal).catch(() => undefined);
    // Held for the time of two small operations; one that is older is of a process that was killed in between.
    if (facts !== undefined && Date.now() - facts.mtimeMs > emptyAfterMs) await rm(removal, { force: true });
    return;
  }
  try {
    if ((await readHolder(path))?.token === holder?.token) await rm(path, { force: true });
  } finally {
    await rm(removal, { force: true });
  }
}

async function readHolder(path: string): Promise<Holder | undefined> {
  try {
    const value: unknown = JSON.parse(await readFile(path, "utf8"));
    if (!isRecord(value)) return undefined;
    const { pid, host, token } = value;
    return typeof pid === "number" && typeof host === "string" && typeof token === "string"
      ? { pid, host, token }
      : undefined;
  } catch {
    return undefined;
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // A process of another user is alive too.
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}
