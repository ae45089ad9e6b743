// Classifier-free guidance: combines the UNet's two predictions.

/**
 * `unconditional + scale * (conditional - unconditional)` (Ho and Salimans, arXiv:2207.12598), written over `unconditional`.
 * With `rescale` above 0 the result's standard deviation is moved towards that of `conditional` (Lin et al., arXiv:2305.08891, section 3.4;
 * diffusers' `rescale_noise_cfg`).
 */
export function applyGuidance(
  unconditional: Float32Array,
  {
    conditional,
    scale,
    rescale,
  }: { readonly conditional: Float32Array; readonly scale: number; readonly rescale: number },
): Float32Array {
  for (let i = 0; i < unconditional.length; i++) {
    const base = unconditional[i]!;
    unconditional[i] = base + scale * (conditional[i]! - base);
  }
  if (rescale === 0) return unconditional;
  const spread = standardDeviation(unconditional);
  if (spread === 0) return unconditional;
  const factor = (rescale * standardDeviation(conditional)) / spread + 1 - rescale;
  for (let i = 0; i < unconditional.length; i++) unconditional[i]! *= factor;
  return unconditional;
}

/**
 * The guidance scale as an input of LCM's UNet, [width]: sines, then cosines, of (scale - 1) * 1000.
 * Reference: `get_guidance_scale_embedding` of diffusers' LatentConsistencyModelPipeline.
 */
export function guidanceEmbedding(scale: number, width: number): Float32Array {
  const half = Math.floor(width / 2);
  const values = new Float32Array(width);
  for (let i = 0; i < half; i++) {
    const angle = (scale - 1) * 1000 * Math.exp((-Math.log(10_000) * i) / (half - 1));
    values[i] = Math.sin(angle);
    values[half + i] = Math.cos(angle);
  }
  return values;
}

function standardDeviation(values: Float32Array): number {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += values[i]!;
  const mean = sum / values.length;
  let squares = 0;
  for (let i = 0; i < values.length; i++) squares += (values[i]! - mean) ** 2;
  return Math.sqrt(squares / values.length);
}
