// Jobs in processes of their own, real ones: they answer, crash, hang, and are left.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { describe, expect, it } from "vitest";
import { runApart, type ApartOutcome } from "../../../../../src/backends/common/devices/run-apart.ts";
import { temporaryFolder } from "../../../../support/temporary-folder.ts";

const folder = temporaryFolder("apart");
let count = 0;

/** Runs this script's `job` function. */
function run(
  script: string,
  { timeoutMs = 60_000, signal = new AbortController().signal, environment = {} } = {},
): Promise<ApartOutcome> {
  const file = join(folder, `${(count += 1)}.mjs`);
  writeFileSync(
    file,
    `process.once("message", ({ job }) => { ${script} }); process.on("disconnect", () => process.exit(0));`,
  );
  return runApart({
    entry: pathToFileURL(file),
    job: { values: Float32Array.of(1, 2) },
    timeoutMs,
    signal,
    environment,
  });
}

describe("runApart", () => {
  it("gives the job to the process and its answer and output back", async () => {
    const outcome = await run(
      "console.error(process.env.SAYS); process.send(job.values.map((value) => value * 2)); setInterval(() => {}, 1000);",
      { environment: { SAYS: "a line" } },
    );
    expect(outcome).toEqual({ type: "answer", answer: Float32Array.of(2, 4), output: ["a line"] });
  });

  it("says with which signal or code a process ended that gave no answer, and what it wrote", async () => {
    expect(await run('console.error("last words"); process.kill(process.pid, "SIGSEGV");')).toEqual({
      type: "lost",
      reason: "the process ended with SIGSEGV",
      output: ["last words"],
    });
    expect(await run("process.exit(3);")).toMatchObject({ reason: "the process ended with exit code 3" });
  });

  it("ends a process that hangs", async () => {
    expect(await run("for (;;) {}", { timeoutMs: 400 })).toMatchObject({ reason: "it took longer than 0.4 s" });
  });

  it("ends the process when nobody waits any more", async () => {
    const abort = new AbortController();
    const reason = new Error("left");
    const running = run("for (;;) {}", { signal: abort.signal });
    abort.abort(reason);
    await expect(running).rejects.toBe(reason);
  });
});
