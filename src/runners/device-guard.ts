// Starts runners and remembers which of them died on a GPU. A driver that crashes takes its process along, so that nothing inside the
// process can move to the CPU: the next process of the model is started without GPUs. The memory lasts as long as the server, because a
// device may be whole again after a restart.
import type { DeviceUse } from "../domain/device.ts";
import { RunnerLostError, startRunner, type StartedRunner, type StartRunnerOptions } from "./start-runner.ts";

export interface GuardedStart extends Omit<StartRunnerOptions, "gpu" | "onExit" | "onDeviceFailure"> {
  readonly policy: StartRunnerOptions["gpu"]["policy"];
  readonly onExit: (reason: string) => void;
}

type Start = (options: StartRunnerOptions) => Promise<StartedRunner>;

export class DeviceGuard {
  readonly #start: Start;
  /** By model: why it is kept from GPUs. */
  readonly #faults = new Map<string, string>();

  constructor(start: Start = startRunner) {
    this.#start = start;
  }

  /** As `startRunner`. A load during which the process is lost on a GPU is tried a second time, without one. */
  async start(options: GuardedStart): Promise<StartedRunner> {
    const { spec, signal } = options;
    const isFirst = !this.#faults.has(spec.id);
    try {
      return await this.#attempt(options);
    } catch (error) {
      // What came through is what ended the process; the attempt has noted whether a GPU was in use.
      if (!isFirst || !this.#faults.has(spec.id) || signal.aborted) throw error;
    }
    try {
      return await this.#attempt(options);
    } catch (error) {
      // Where the CPU cannot load it either, no device is to blame.
      if (!signal.aborted) this.#faults.delete(spec.id);
      throw error;
    }
  }

  async #attempt(options: GuardedStart): Promise<StartedRunner> {
    const { policy, onExit, onDevice, ...rest } = options;
    const { id } = options.spec;
    let use: DeviceUse | undefined;
    let told: string | undefined;
    const noteLoss = (reason: string): void => {
      if (use === undefined || use.device === "cpu" || this.#faults.has(id)) return;
      const fault = told ?? `its process ended (${reason}) while it used a GPU (${use.device})`;
      this.#faults.set(id, fault);
      options.log("warn", "A model is kept on the CPU until the server is started again.", {
        model: id,
        reason: fault,
      });
    };
    try {
      return await this.#start({
        ...rest,
        gpu: { policy, fault: this.#faults.get(id) },
        onDevice: (next) => {
          use = next;
          onDevice(next);
        },
        onDeviceFailure: (reason) => {
          told = reason;
        },
        onExit: (reason, wasTold) => {
          if (!wasTold) noteLoss(reason);
          onExit(reason);
        },
      });
    } catch (error) {
      if (error instanceof RunnerLostError) noteLoss(error.exit);
      throw error;
    }
  }
}
