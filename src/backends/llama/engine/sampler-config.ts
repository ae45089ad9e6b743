// Turns a request's sampling options into the native sampler's settings. Pure.
import type { TextModelOptions } from "../../../domain/model.ts";
import type { SamplingOptions } from "../../../domain/sampling.ts";
import type { NativeSamplerConfig } from "../native/binding.ts";

/** Last tokens of prompt and answer that the repeat penalty counts. */
const repeatWindow = 64;

export interface SamplerPlan {
  readonly config: NativeSamplerConfig;
  /**
   * Presence and frequency penalties that the native sampler cannot apply, because its one window already serves the repeat
   * penalty: {@link continueSampler} makes biases of them, anew for every token.
   */
  readonly generatedPenalty: { readonly presence: number; readonly frequency: number } | undefined;
}

export interface SamplerQuestion {
  readonly sampling: SamplingOptions;
  readonly defaults: TextModelOptions["defaults"];
  readonly prompt: readonly number[];
  readonly seed: number;
  readonly contextSize: number;
}

/**
 * The binding applies the settings in this order: bias, penalties, top-k, top-p, min-p, temperature, draw.
 * Presence and frequency count generated tokens only (OpenAI), the repeat penalty the last 64 of prompt and answer.
 */
export function planSampler({ sampling, defaults, prompt, seed, contextSize }: SamplerQuestion): SamplerPlan {
  const temperature = sampling.temperature ?? defaults.temperature;
  const topK = sampling.topK ?? defaults.topK;
  const topP = sampling.topP ?? defaults.topP;
  const minP = sampling.minP ?? defaults.minP;
  const repeat = sampling.repeatPenalty ?? defaults.repeatPenalty;
  const presence = sampling.presencePenalty ?? 0;
  const frequency = sampling.frequencyPenalty ?? 0;
  const hasGeneratedPenalty = presence !== 0 || frequency !== 0;
  const hasRepeatPenalty = repeat !== 1 && repeat > 0;
  const config: NativeSamplerConfig = {
    temperature: Math.max(0, temperature),
    seed,
    ...(temperature > 0 && topK > 0 ? { topK } : {}),
    ...(temperature > 0 && topP < 1 ? { topP: Math.max(0, topP) } : {}),
    ...(temperature > 0 && minP > 0 ? { minP } : {}),
    ...biasConfig(sampling.logitBias ?? []),
    ...(hasRepeatPenalty
      ? {
          repeatPenalty: repeat,
          repeatPenaltyMaxTokens: repeatWindow,
          repeatPenaltyTokens: Uint32Array.from(prompt.slice(-repeatWindow)),
        }
      : hasGeneratedPenalty
        ? {
            repeatPenaltyPresencePenalty: presence,
            repeatPenaltyFrequencyPenalty: frequency,
            repeatPenaltyMaxTokens: contextSize,
            repeatPenaltyTokens: new Uint32Array(0),
          }
        : {}),
  };
  return {
    config,
    generatedPenalty: hasRepeatPenalty && hasGeneratedPenalty ? { presence, frequency } : undefined,
  };
}

interface SamplerHistory {
  readonly prompt: readonly number[];
  readonly generated: readonly number[];
}

/**
 * The settings in the middle of an answer, after `generated`. Settings that are applied anew bring their penalties' history with
 * them: the native sampler takes it in place of what it has counted itself.
 */
export function continueSampler(plan: SamplerPlan, history: SamplerHistory): NativeSamplerConfig {
  const { config, generatedPenalty } = plan;
  if (generatedPenalty !== undefined) return withGeneratedPenalty(plan, history);
  if (config.repeatPenaltyTokens === undefined) return config;
  const isRepeat = config.repeatPenalty !== undefined;
  const counted = isRepeat ? repeatHistory(history) : history.generated;
  return { ...config, repeatPenaltyTokens: Uint32Array.from(counted) };
}

/** The settings for the next token under {@link SamplerPlan.generatedPenalty}, after `generated`. */
function withGeneratedPenalty(
  { config, generatedPenalty }: SamplerPlan,
  { prompt, generated }: SamplerHistory,
): NativeSamplerConfig {
  if (generatedPenalty === undefined) return config;
  const counts = new Map<number, number>();
  for (const token of generated) counts.set(token, (counts.get(token) ?? 0) + 1);
  const biases = new Map<number, number>();
  config.tokenBiasKeys?.forEach((token, index) => biases.set(token, config.tokenBiasValues?.[index] ?? 0));
  for (const [token, count] of counts) {
    const penalty = generatedPenalty.presence + generatedPenalty.frequency * count;
    biases.set(token, (biases.get(token) ?? 0) - penalty);
  }
  return {
    ...config,
    // A history that is not the native sampler's own replaces it, so this has to be the true one.
    repeatPenaltyTokens: Uint32Array.from(repeatHistory({ prompt, generated })),
    tokenBiasKeys: Uint32Array.from(biases.keys()),
    tokenBiasValues: Float32Array.from(biases.values()),
  };
}

function repeatHistory({ prompt, generated }: SamplerHistory): number[] {
  const missing = Math.max(0, repeatWindow - generated.length);
  return [...(missing === 0 ? [] : prompt.slice(-missing)), ...generated.slice(-repeatWindow)];
}

/** Seed of choice `index`: `seed + index` within 32 bits; the all-ones value is avoided, it means "random" to llama.cpp. */
export function choiceSeed(seed: number, index: number): number {
  const mixed = Number(BigInt.asUintN(32, BigInt(Math.trunc(seed)) + BigInt(index)));
  return mixed === 0xffff_ffff ? 0xffff_fffe : mixed;
}

/** -100 is a ban, not a strong wish: no finite bias could promise that. */
function biasConfig(
  logitBias: readonly (readonly [number, number])[],
): Pick<NativeSamplerConfig, "tokenBiasKeys" | "tokenBiasValues"> {
  if (logitBias.length === 0) return {};
  return {
    tokenBiasKeys: Uint32Array.from(logitBias.map(([token]) => token)),
    tokenBiasValues: Float32Array.from(logitBias.map(([, bias]) => (bias <= -100 ? -Infinity : bias))),
  };
}
