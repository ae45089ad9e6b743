// `npm start` in a process of its own: any signal that ends npm ends the server, and frees its port.
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { copyPackage, type PackageCopy } from "../support/package-copy.ts";
import { freePort, isListening, poll } from "../support/processes.ts";

let copy: PackageCopy;
let npm: ChildProcess | null = null;
beforeAll(async () => {
  copy = await copyPackage();
});
afterEach(() => {
  // The whole group is killed: a server that outlived npm must not outlive the test.
  if (npm?.pid !== undefined) killGroup(npm.pid);
});
afterAll(() => copy.remove());

function killGroup(id: number): void {
  try {
    process.kill(-id, "SIGKILL");
  } catch {
    // The group has ended, as it should.
  }
}

// Windows has no signals: `kill` there ends npm at once, and a group of processes cannot be cleaned up after a failure.
describe.skipIf(process.platform === "win32")("npm start", () => {
  it.each(["SIGTERM", "SIGHUP", "SIGKILL"] as const)("frees the port when npm gets %s", async (signal) => {
    const port = await freePort();
    const cache = join(copy.folder, "cache");
    npm = spawn("npm", ["start", "--", "--port", String(port), "--log-level", "error", "--cache-directory", cache], {
      cwd: copy.folder,
      detached: true,
      stdio: ["ignore", "ignore", "pipe"],
    });
    let told = "";
    npm.stderr?.setEncoding("utf8").on("data", (text: string) => (told += text));
    await poll(() => isListening(port), { what: "the server listens" });
    const ended = once(npm, "exit");
    process.kill(npm.pid as number, signal);
    await ended;
    await poll(async () => !(await isListening(port)), { what: "the port is free", limitMs: 15_000 });
    // The server ended in an orderly way, not by the signal.
    expect(told).toContain("npm has ended: finishing what is in progress.");
  });
});
