// The samplers of one model, used again. A native sampler holds a candidate for every token of the vocabulary, 3 MB for 262,144 tokens,
// and its `dispose` does not free them: the garbage collector does, which does not see how much they are. 75 short requests made
// 300 MB of them.
import type { NativeSampler, NativeSamplerConfig } from "./binding.ts";

export class SamplerPool {
  readonly #create: () => NativeSampler;
  readonly #idle: NativeSampler[] = [];

  constructor(create: () => NativeSampler) {
    this.#create = create;
  }

  /** A sampler that has sampled nothing yet. */
  take(config: NativeSamplerConfig): NativeSampler {
    const sampler = this.#idle.pop() ?? this.#create();
    sampler.applyConfig(config);
    return sampler;
  }

  /** The sampler must not be in use any more. At most as many are kept as were out at the same time. */
  giveBack(sampler: NativeSampler): void {
    // A configuration with the seed that a sampler has already leaves its random numbers where they are, so two seeds are applied.
    // Penalties, biases and grammar go with the first.
    sampler.applyConfig({ temperature: 0, seed: 0 });
    sampler.applyConfig({ temperature: 0, seed: 1 });
    this.#idle.push(sampler);
  }

  dispose(): void {
    for (const sampler of this.#idle.splice(0)) sampler.dispose();
  }
}
