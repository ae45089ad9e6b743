// What the probe of llama.cpp's GPU is asked and what it answers (probe-process.ts).

export interface LlamaProbeJob {
  /** A small model to compare GPU and CPU by. */
  readonly modelPath: string;
  readonly allowsSoftware: boolean;
}

export type LlamaProbeAnswer =
  | { readonly type: "none" }
  | { readonly type: "software"; readonly gpu: string; readonly names: readonly string[] }
  | {
      readonly type: "ran";
      readonly gpu: string;
      readonly names: readonly string[];
      /** Largest difference from the CPU in the log-probability of a token. */
      readonly difference: number;
    }
  | { readonly type: "failed"; readonly message: string };
