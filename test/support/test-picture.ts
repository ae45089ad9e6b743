// A picture as a camera might take it, from a formula: sky with a soft gradient, a sun, hills with edges, grass with texture.
import type { Pixels } from "../../src/backends/diffusion/vae/vae.ts";

/** The same size gives the same picture. */
export function landscape({ width, height }: { readonly width: number; readonly height: number }): Pixels {
  const data = new Uint8ClampedArray(width * height * 3);
  let state = 12_345;
  const random = (): number => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fffffff;
    return state / 0x7fffffff;
  };
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const [u, v] = [x / width, y / height];
      const hill = 0.62 + 0.1 * Math.sin(u * 5) + 0.04 * Math.sin(u * 13 + 1);
      const sun = Math.hypot((u - 0.72) * (width / height), v - 0.25) < 0.1;
      const colour = sun ? [250, 225, 150] : v < hill ? sky(v) : grass(u, v - hill, random());
      const grain = (random() - 0.5) * 6;
      for (const [channel, value] of colour.entries()) data[(y * width + x) * 3 + channel] = value + grain;
    }
  }
  return { data, width, height };
}

function sky(v: number): number[] {
  return [110 + 90 * v, 150 + 60 * v, 215 - 20 * v];
}

function grass(u: number, depth: number, noise: number): number[] {
  const blades = 14 * Math.sin(u * 90 + depth * 40) + 10 * noise;
  return [60 + 70 * depth + blades, 105 + 60 * depth + blades, 45 + 20 * depth + blades / 2];
}
