// What a probe is asked and what it answers (probe-process.ts). Tensors cross as plain values.
import { Tensor } from "../runtime.ts";
import type { Feeds } from "../graph-session.ts";

export interface PackedTensor {
  readonly name: string;
  readonly type: Tensor["type"];
  readonly dims: readonly number[];
  readonly data: Tensor["data"];
}

export interface ProbeJob {
  readonly path: string;
  readonly provider: string;
  readonly threads: number;
  readonly feeds: readonly PackedTensor[];
  readonly fetches: readonly string[];
  /** Runs for the time, after the one for the values; 0 = the time is of no interest. */
  readonly timedRuns: number;
  /** Have the runtime write which GPUs it finds. */
  readonly tracesDevices: boolean;
}

export type ProbeAnswer =
  | {
      readonly type: "ran";
      /** In the order of the job's `fetches`. */
      readonly results: readonly Float32Array[];
      /** Of the fastest timed run; `undefined` where there was none. */
      readonly milliseconds: number | undefined;
      /** The process holds a GPU's device file open (Linux). */
      readonly holdsDeviceFile: boolean;
    }
  | { readonly type: "failed"; readonly message: string };

export function packFeeds(feeds: Feeds): PackedTensor[] {
  return Object.entries(feeds).map(([name, { type, dims, data }]) => ({ name, type, dims, data }));
}

export function unpackFeeds(packed: readonly PackedTensor[]): Feeds {
  return Object.fromEntries(packed.map(({ name, type, dims, data }) => [name, new Tensor(type, data, dims)]));
}
