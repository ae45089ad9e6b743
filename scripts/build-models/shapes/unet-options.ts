// The options of a UNet: its sizes, its types, and the inputs that only some families have.

import { type FloatType, type WeightStorage } from "../graph/builder.ts";
import { type ElementType } from "../formats/onnx.ts";

export interface UnetShape {
  /** Channels of each level; each level but the last halves height and width. Multiples of `groups`. */
  readonly channels: readonly number[];
  readonly layersPerLevel: number;
  /** Transformer blocks of each level, 0 for none; the middle has as many as the last level, at least one. */
  readonly attentionDepths: readonly number[];
  /** Heads of each level. */
  readonly heads: readonly number[];
  readonly groups: number;
  /** Width of `encoder_hidden_states`. */
  readonly contextWidth: number;
  /** @default 4 */
  readonly latentChannels?: number;
}

export interface UnetOptions {
  readonly seed: number;
  readonly shape: UnetShape;
  readonly dtype?: FloatType;
  readonly storage?: WeightStorage;
  readonly int8?: boolean;
  /** @default "int64" */
  readonly timestepType?: Extract<ElementType, "int64" | "float32" | "float16">;
  /** A timestep for each image of the batch, or one without dimensions. @default "batch" */
  readonly timestepRank?: "batch" | "scalar";
  /** SDXL's inputs `text_embeds` [batch, pooledWidth] and `time_ids` [batch, 6], each id embedded at `timeIdWidth`. */
  readonly addedText?: { readonly pooledWidth: number; readonly timeIdWidth: number };
  /** LCM's input `timestep_cond` [batch, width]. */
  readonly timestepCondition?: { readonly width: number };
}
