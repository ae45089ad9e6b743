// Devices that compute: which ones a model may use, which ones it uses, and why not another one.

/**
 * `auto`: a GPU where one is found that computes what the CPU does. `any`: software GPUs too, which are slower than the CPU, for tests.
 * `off`: the CPU alone, whatever a model is configured to use.
 */
export type GpuPolicy = "auto" | "any" | "off";

/** The device of one part of a model that has several, such as the graphs of an image model. */
export interface PartDevice {
  /** e.g. `unet/model.onnx`. */
  readonly part: string;
  readonly device: string;
  /** Name of the GPU, where the driver tells it. */
  readonly adapter?: string;
  /** How that was decided. */
  readonly note?: string;
}

/** The devices that a model uses. */
export interface DeviceUse {
  /** e.g. `cpu`, `vulkan`; of a model with parts on several all of them, GPUs first: `webgpu+cpu`. */
  readonly device: string;
  /** Why a better device is not in use; left out where none was to be expected. */
  readonly deviceNote?: string;
  readonly deviceParts?: readonly PartDevice[];
}

/** What a backend needs to use a GPU. */
export interface DeviceServices {
  readonly policy: GpuPolicy;
  /** Why no GPU may be used: the model's last process died on one. */
  readonly fault: string | undefined;
  /**
   * Tells the server what is in use, before a GPU is touched and whenever it has changed. Resolves once the message has left the process,
   * so that a crash in the driver finds the server informed.
   */
  readonly tell: (use: DeviceUse) => Promise<void>;
  /** Tells the server that the GPU has failed for good and ends the process, whose requests go on in a new one on the CPU. */
  readonly giveUp: (reason: string) => Promise<never>;
}
