// Runners that die on a GPU: the next one of the model is kept off it. The runners are told by the test what to do.
import { describe, expect, it } from "vitest";
import type { DeviceUse } from "../../../src/domain/device.ts";
import { ServerError } from "../../../src/domain/errors.ts";
import type { ModelSpec } from "../../../src/domain/model.ts";
import { DeviceGuard, type GuardedStart } from "../../../src/runners/device-guard.ts";
import { RunnerLostError, type StartedRunner, type StartRunnerOptions } from "../../../src/runners/start-runner.ts";

const started = {} as StartedRunner;
const segfault = new RunnerLostError("model_load_failed", { message: "The process ended.", exit: "SIGSEGV" });

type Script = (options: StartRunnerOptions) => Promise<StartedRunner>;

/** Starts follow the scripts in order, the last one from then on. */
function createGuard(...scripts: Script[]) {
  const starts: StartRunnerOptions[] = [];
  const lines: string[] = [];
  const exits: string[] = [];
  const told: DeviceUse[] = [];
  const guard = new DeviceGuard((options) => {
    starts.push(options);
    return scripts[Math.min(starts.length, scripts.length) - 1]!(options);
  });
  const start = (id = "m", signal = new AbortController().signal): Promise<StartedRunner> =>
    guard.start({
      spec: { id } as ModelSpec,
      policy: "auto",
      signal,
      log: (_level: string, message: string, facts: Record<string, unknown>) =>
        lines.push(`${message} ${String(facts["reason"])}`),
      onExit: (reason: string) => exits.push(reason),
      onDevice: (use: DeviceUse) => told.push(use),
    } as unknown as GuardedStart);
  return { start, starts, lines, exits, told, faults: () => starts.map(({ gpu }) => gpu.fault) };
}

const loadOn =
  (device: string): Script =>
  (options) => {
    options.onDevice({ device });
    return Promise.resolve(started);
  };
const dieOn =
  (device: string): Script =>
  (options) => {
    options.onDevice({ device });
    return Promise.reject(segfault);
  };

const fault = "its process ended (SIGSEGV) while it used a GPU (vulkan)";

describe("DeviceGuard", () => {
  it("passes on what the runner tells", async () => {
    const { start, starts, told, exits } = createGuard(loadOn("webgpu"));
    expect(await start()).toBe(started);
    expect(starts[0]!.gpu).toEqual({ policy: "auto", fault: undefined });
    expect(told).toEqual([{ device: "webgpu" }]);
    starts[0]!.onExit("exit code 0", true);
    expect(exits).toEqual(["exit code 0"]);
  });

  it("loads a second time, off the GPU, a model whose process was lost on one, and says so", async () => {
    const { start, faults, lines } = createGuard(dieOn("vulkan"), loadOn("cpu"));
    expect(await start()).toBe(started);
    expect(faults()).toEqual([undefined, fault]);
    expect(lines).toEqual([`A model is kept on the CPU until the server is started again. ${fault}`]);
    await start();
    expect(faults().at(-1), "and keeps it there").toBe(fault);
    await start("other");
    expect(faults().at(-1), "another model may use the GPU").toBeUndefined();
  });

  it("keeps off the GPU a model whose loaded process ended by itself on one", async () => {
    const { start, starts, faults } = createGuard(loadOn("vulkan"));
    await start();
    starts[0]!.onExit("SIGSEGV", false);
    await start();
    expect(faults()).toEqual([undefined, fault]);
  });

  it("tells the reason that the runner gave before it ended", async () => {
    const { start, starts, faults } = createGuard(loadOn("cuda"));
    await start();
    starts[0]!.onDeviceFailure("cuda failed: out of memory");
    starts[0]!.onExit("exit code 1", false);
    await start();
    expect(faults()).toEqual([undefined, "cuda failed: out of memory"]);
  });

  it.each([
    ["it was told to end", "vulkan", true],
    ["it was on the CPU", "cpu", false],
  ] as const)("blames no GPU for the end of a process where %s", async (_what, device, wasTold) => {
    const { start, starts, faults } = createGuard(loadOn(device));
    await start();
    starts[0]!.onExit("SIGKILL", wasTold);
    await start();
    expect(faults()).toEqual([undefined, undefined]);
  });

  it("blames no GPU for a process that moved to the CPU before it ended", async () => {
    const { start, starts, faults } = createGuard(loadOn("webgpu"));
    await start();
    starts[0]!.onDevice({ device: "cpu" });
    starts[0]!.onExit("SIGSEGV", false);
    await start();
    expect(faults()).toEqual([undefined, undefined]);
  });

  it("passes on a failure that the runner explains, and one of a process that used no GPU", async () => {
    const refusal = new ServerError("model_load_failed", "no such file");
    for (const script of [
      (options: StartRunnerOptions) => {
        options.onDevice({ device: "vulkan" });
        return Promise.reject(refusal);
      },
      () => Promise.reject(segfault),
    ]) {
      const { start, starts, faults } = createGuard(script);
      await expect(start()).rejects.toBeInstanceOf(ServerError);
      expect(starts).toHaveLength(1);
      await start().catch(() => {});
      expect(faults()).toEqual([undefined, undefined]);
    }
  });

  it("blames no GPU where the CPU cannot load the model either", async () => {
    const refusal = new ServerError("model_load_failed", "unknown architecture");
    const { start, faults } = createGuard(dieOn("vulkan"), () => Promise.reject(refusal));
    await expect(start()).rejects.toBe(refusal);
    await start().catch(() => {});
    expect(faults()).toEqual([undefined, fault, undefined]);
  });

  it("does not load a second time for nobody", async () => {
    const abort = new AbortController();
    const { start, starts } = createGuard((options) => {
      options.onDevice({ device: "vulkan" });
      abort.abort(new Error("left"));
      return Promise.reject(segfault);
    });
    await expect(start("m", abort.signal)).rejects.toBe(segfault);
    expect(starts).toHaveLength(1);
  });
});
