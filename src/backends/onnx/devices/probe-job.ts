// What a probe is asked and what it answers (probe-process.ts), as plain values: who asks need not have the runtime in its process.
import type { Tensor } from "../runtime.ts";

export interface PackedTensor {
  readonly name: string;
  readonly type: Tensor["type"];
  readonly dims: readonly number[];
  readonly data: Tensor["data"];
}

export type ProbeJob =
  /** Which providers the runtime has. */
  | { readonly type: "list" }
  /** Opens a graph with a provider and runs it. */
  | {
      readonly type: "run";
      readonly path: string;
      readonly provider: string;
      readonly threads: number;
      readonly feeds: readonly PackedTensor[];
      readonly fetches: readonly string[];
      /** Runs for the time, after the one for the values; 0 = the time is of no interest. */
      readonly timedRuns: number;
      /** Have the runtime write which GPUs it finds. */
      readonly tracesDevices: boolean;
    };

export type RunJob = Extract<ProbeJob, { readonly type: "run" }>;

export type ProbeAnswer =
  | {
      readonly type: "listed";
      readonly version: string;
      readonly providers: readonly { readonly name: string; readonly isInstalled: boolean }[];
    }
  | RunAnswer
  | { readonly type: "failed"; readonly message: string };

export interface RunAnswer {
  readonly type: "ran";
  /** In the order of the job's `fetches`. */
  readonly results: readonly Float32Array[];
  /** Of the fastest timed run; `undefined` where there was none. */
  readonly milliseconds: number | undefined;
  /** The process holds a GPU's device file open (Linux). */
  readonly holdsDeviceFile: boolean;
}
