import { describe, expect, it } from "vitest";
import { watchNpm, type ProcessDescription } from "../../../../src/cli/process/npm-parent.ts";
import { fromStat, fromWords, processTable } from "../../../../src/cli/process/process-table.ts";

const started = { npm_lifecycle_script: "node dist/main.js" };

interface FamilyOptions {
  readonly environment?: Readonly<Record<string, string>>;
  /** False where the system does not describe other processes. */
  readonly described?: boolean;
}

/** A watch in a process whose parent has the id 8, with the means to end its ancestors. */
function family(
  ancestors: Readonly<Record<number, ProcessDescription>>,
  { environment = started, described = true }: FamilyOptions = {},
) {
  const alive = new Set(Object.keys(ancestors).map(Number));
  const state = { parentId: 8, repeating: false, gone: false, look: (): void => undefined };
  const watch = watchNpm(environment, {
    processes: {
      parentId: () => state.parentId,
      isAlive: (id) => alive.has(id),
      describe: (id) => Promise.resolve(described ? (ancestors[id] ?? null) : null),
    },
    repeat: (look) => {
      state.look = look;
      state.repeating = true;
      return () => void (state.repeating = false);
    },
  });
  void watch.gone.then(() => (state.gone = true));
  return {
    watch,
    state,
    kill: (id: number): void => void alive.delete(id),
    /** Looks once, when every answer about the ancestors is there; true when npm counts as gone. */
    look: async (): Promise<boolean> => {
      await settled();
      state.look();
      await settled();
      return state.gone;
    },
  };
}

const settled = () => new Promise<void>((resolve) => setImmediate(resolve));

const npm = { name: "npm start", parentId: 6 };
const shell = { name: "/bin/sh", parentId: 7 };
const terminal = { name: "-zsh", parentId: 1 };

describe("watchNpm", () => {
  it("resolves when npm is killed and its shell stays", async () => {
    const { look, kill, state } = family({ 8: shell, 7: npm, 6: terminal });
    expect(await look()).toBe(false);
    kill(7);
    expect(await look()).toBe(true);
    expect(state.repeating).toBe(false);
  });

  it("resolves when the shell is killed and npm stays: POSIX changes the parent, on Windows the parent is dead", async () => {
    const posix = family({ 8: shell, 7: npm });
    posix.state.parentId = 1;
    expect(await posix.look()).toBe(true);
    const windows = family({ 8: { name: "cmd.exe", parentId: 7 }, 7: { name: "node.exe", parentId: 6 } });
    expect(await windows.look()).toBe(false);
    windows.kill(8);
    expect(await windows.look()).toBe(true);
  });

  it("takes the parent for npm where the shell has replaced itself, and ignores the end of the terminal behind npm", async () => {
    const { look, kill } = family({ 8: npm, 6: terminal });
    kill(6);
    expect(await look()).toBe(false);
    kill(8);
    expect(await look()).toBe(true);
  });

  it("ignores the end of a terminal that inherited npm's variables", async () => {
    const { look, kill } = family({ 8: { name: "bash", parentId: 7 }, 7: { name: "zsh", parentId: 6 }, 6: npm });
    kill(6);
    kill(7);
    expect(await look()).toBe(false);
  });

  it("watches the parent where the system does not describe it", async () => {
    const { look, state } = family({ 8: shell, 7: npm }, { described: false });
    expect(await look()).toBe(false);
    state.parentId = 1;
    expect(await look()).toBe(true);
  });

  it.each(["hearth", "hearth --port 80", "hearth-server", '"hearth"', "node dist/main.js --port 80"])(
    "watches for the script %s",
    (script) => {
      expect(family({ 8: npm }, { environment: { npm_lifecycle_script: script } }).state.repeating).toBe(true);
    },
  );

  it.each([
    "",
    "vitest run",
    "node deploy.js",
    "hearth &",
    "hearth > log 2>&1 &",
    "nohup hearth",
    "setsid hearth",
    "hearth; true",
  ])("does not watch for the script %j", (script) => {
    expect(family({ 8: npm }, { environment: { npm_lifecycle_script: script } }).state.repeating).toBe(false);
  });

  it("does not watch in a process that npm did not start", () => {
    expect(family({ 8: npm }, { environment: {} }).state.repeating).toBe(false);
  });

  it("stops looking when it is disposed", () => {
    const { watch, state } = family({ 8: npm });
    expect(state.repeating).toBe(true);
    watch.dispose();
    expect(state.repeating).toBe(false);
  });
});

describe("processTable", () => {
  it("describes this process and finds it alive, and no process with an unused id", async () => {
    expect(processTable.isAlive(process.pid)).toBe(true);
    expect((await processTable.describe(process.pid))?.parentId).toBe(process.ppid);
    const impossible = 2 ** 30 + 7;
    expect(processTable.isAlive(impossible)).toBe(false);
    expect(await processTable.describe(impossible)).toBeNull();
  });

  it("reads a Linux stat whose name holds brackets and blanks", () => {
    expect(fromStat("12 (npm (a) start) S 7 12 3 0")).toEqual({ name: "npm (a) start", parentId: 7 });
    expect(fromStat("")).toBeNull();
  });

  it("reads the line of ps and of PowerShell", () => {
    expect(fromWords("  7 /usr/local/bin/node \n")).toEqual({ name: "/usr/local/bin/node", parentId: 7 });
    expect(fromWords("7 cmd.exe\r\n")).toEqual({ name: "cmd.exe", parentId: 7 });
    expect(fromWords("")).toBeNull();
  });
});
