// Ends the server with the `npm start` that started it. npm runs a script in a shell: a SIGTERM that npm passes on ends the
// shell only, and a killed npm passes nothing on, so the server would keep its port with nobody left to stop it. The
// server therefore looks for npm among its ancestors and stops when npm is gone.
import type { Environment } from "../../config/layers.ts";

/** The operating system's knowledge of processes, as an interface that a test can implement. */
export interface ProcessTable {
  /** Process id of the parent at this moment. POSIX gives an orphan another parent; Windows keeps the id of the dead one. */
  readonly parentId: () => number;
  readonly isAlive: (id: number) => boolean;
  /** `null` where the process is gone or the system does not tell. */
  readonly describe: (id: number) => Promise<ProcessDescription | null>;
}

export interface ProcessDescription {
  /** Name or path of the executable, such as `sh` or `/bin/sh`. */
  readonly name: string;
  readonly parentId: number;
}

export interface NpmWatch {
  /** Resolves when the npm that started this process has ended; never where npm did not start it. */
  readonly gone: Promise<void>;
  readonly dispose: () => void;
}

interface WatchOptions {
  readonly processes: ProcessTable;
  /** Calls `look` again and again until the returned function is called; must not keep the process alive. */
  readonly repeat: (look: () => void) => () => void;
}

/**
 * A script that is nothing but this program in the foreground. `hearth &` and `nohup hearth` detach the server on
 * purpose, and a script such as `node deploy.js` hands its variables down to whatever it starts: neither is tied to npm.
 */
const foregroundScript = /^(?:node dist\/main\.js|"?hearth(?:-server)?"?)(?:\s[^&|;\n]*)?$/;

const shell = /^-?(?:(?:ba|da|a|z|k|fi)?sh|busybox|cmd(?:\.exe)?|powershell(?:\.exe)?|pwsh(?:\.exe)?)$/i;

/** Watches for the end of the npm that started this process, if npm did. */
export function watchNpm(environment: Environment, { processes, repeat }: WatchOptions): NpmWatch {
  let resolveGone: () => void = () => undefined;
  const gone = new Promise<void>((resolve) => (resolveGone = resolve));
  if (!foregroundScript.test(environment["npm_lifecycle_script"] ?? "")) return { gone, dispose: () => undefined };

  const parent = processes.parentId();
  let npm: number | null = parent;
  const stop = repeat(() => {
    if (npm === null) return;
    if (processes.parentId() === parent && processes.isAlive(parent) && processes.isAlive(npm)) return;
    stop();
    resolveGone();
  });
  void findNpm(parent, processes).then((id) => (npm = id));
  return { gone, dispose: stop };
}

/**
 * Process id of npm: the parent's where that is no shell (the shell has replaced itself by this program), else the shell's parent,
 * since npm puts at most one shell between. `null` where two shells follow each other: somebody works in a shell that inherited npm's
 * variables. Where the system does not tell, it is the parent's, which is npm or the shell that ends with it.
 */
async function findNpm(parent: number, processes: ProcessTable): Promise<number | null> {
  const first = await processes.describe(parent);
  if (first === null || !isShell(first)) return parent;
  const second = await processes.describe(first.parentId);
  return second !== null && isShell(second) ? null : first.parentId;
}

function isShell({ name }: ProcessDescription): boolean {
  return shell.test(name.split(/[/\\]/).at(-1) ?? "");
}
