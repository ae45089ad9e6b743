// The options of a UNet: its sizes, its types, and the inputs that only some families have.

import { type FloatType, type WeightStorage } from "../graph/builder.ts";

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
}

export interface UnetOptions {
  readonly seed: number;
  readonly shape: UnetShape;
  readonly dtype?: FloatType;
  readonly storage?: WeightStorage;
  /** SDXL's inputs `text_embeds` [batch, pooledWidth] and `time_ids` [batch, 6], each id embedded at `timeIdWidth`. */
  readonly addedText?: { readonly pooledWidth: number; readonly timeIdWidth: number };
}
