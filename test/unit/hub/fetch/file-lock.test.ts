import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, utimesSync, writeFileSync } from "node:fs";
import { hostname } from "node:os";
import { dirname, join } from "node:path";
import { describe, expect, it } from "vitest";
import { withFileLock } from "../../../../src/hub/fetch/file-lock.ts";
import { temporaryFolder } from "../../../support/temporary-folder.ts";

const folder = temporaryFolder("locks");
let count = 0;
const newPath = () => join(folder, "inner", `lock-${++count}`);
const options = (onWait: (processId: number) => void = () => {}) => ({
  signal: new AbortController().signal,
  delay: () => new Promise<void>((resolve) => void setImmediate(resolve)),
  onWait,
});

/** The number of a process that has ended. */
function deadProcess(): number {
  return spawnSync(process.execPath, ["-e", "0"]).pid;
}

function leave(path: string, text: string, ageSeconds = 0): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
  const then = new Date(Date.now() - ageSeconds * 1000);
  utimesSync(path, then, then);
}

const holder = (pid: number, host = hostname()) => JSON.stringify({ pid, host, token: "t" });

describe("a lock between processes", () => {
  it("lets one work after the other, and is gone afterwards", async () => {
    const path = newPath();
    const order: string[] = [];
    const work = (name: string) => async () => {
      order.push(`${name} begins`);
      await new Promise((resolve) => void setImmediate(resolve));
      order.push(`${name} ends`);
    };
    const waits: number[] = [];
    const note = (processId: number): void => void waits.push(processId);
    await Promise.all(["a", "b", "c"].map((name) => withFileLock(path, options(note), work(name))));
    expect(order).toHaveLength(6);
    for (let index = 0; index < 6; index += 2) expect(order[index + 1]).toBe(order[index]?.replace("begins", "ends"));
    expect(waits.every((processId) => processId === process.pid)).toBe(true);
    expect(existsSync(path)).toBe(false);
  });

  it("is given back when the work fails", async () => {
    const path = newPath();
    await expect(withFileLock(path, options(), () => Promise.reject(new Error("no")))).rejects.toThrow("no");
    expect(existsSync(path)).toBe(false);
  });

  it.each([
    ["whose process is gone", () => holder(deadProcess()), 0],
    ["of another machine that was not touched for a minute", () => holder(1, "elsewhere"), 61],
    ["that was never written", () => "", 6],
  ])("%s is taken over", async (_, text, age) => {
    const path = newPath();
    leave(path, text(), age);
    expect(await withFileLock(path, options(), () => Promise.resolve("done"))).toBe("done");
  });

  it.each([
    ["of a process that lives", () => holder(process.pid), 0],
    ["of another machine", () => holder(1, "elsewhere"), 30],
    ["that is just being written", () => "", 0],
  ])("%s is waited for", async (_, text, age) => {
    const path = newPath();
    leave(path, text(), age);
    const controller = new AbortController();
    let pauses = 0;
    const delay = (): Promise<void> => {
      pauses += 1;
      if (pauses === 3) controller.abort(new Error("enough"));
      return Promise.resolve();
    };
    const attempt = withFileLock(path, { ...options(), signal: controller.signal, delay }, () => Promise.resolve());
    await expect(attempt).rejects.toThrow("enough");
    expect(existsSync(path)).toBe(true);
  });
});
