// Opens the files in which a model's states survive: which folder is theirs, and whether there are any.
import { stat } from "node:fs/promises";
import { join } from "node:path";
import type { NativeContextHandle } from "../native/context.ts";
import { PromptCache } from "../engine/slots/prompt-cache.ts";
import { buildOf, type Creation } from "./describe.ts";
import { computeStateKey } from "./fingerprint.ts";
import { flashAttentionOf } from "./load-model.ts";

/** `undefined` where the model is configured to store nothing. */
export async function openPromptCache(
  { spec, options, weights, context }: Creation,
  {
    native,
    contextSize,
    threads,
  }: { readonly native: NativeContextHandle; readonly contextSize: number; readonly threads: number },
): Promise<PromptCache | undefined> {
  if (options.prefixStoreBytes === 0) return undefined;
  const { facts, gpuLayers } = weights;
  const adapters = options.lora.map(async ({ path, scale }) => {
    const { size, mtimeMs } = await stat(path);
    return [size, mtimeMs, scale];
  });
  const key = await computeStateKey({
    path: spec.path,
    sizeBytes: facts.sizeBytes,
    modifiedMs: facts.modifiedMs,
    quantization: facts.quantization,
    build: buildOf(weights),
    // Flash attention shares the cells of a long context out among the threads and adds up what each has found; nothing else depends on
    // them. Without a configured count it is that of the beginning.
    threads: flashAttentionOf(options) === false ? 0 : threads,
    settings: [
      gpuLayers,
      options.kvCacheType,
      options.flashAttention,
      options.reproducible,
      options.swaFullCache,
      await Promise.all(adapters),
    ],
  });
  return PromptCache.open(native, {
    folder: join(context.cacheDirectory, "prefixes", encodeURIComponent(spec.id), key),
    budgetBytes: options.prefixStoreBytes,
    contextSize,
    log: context.log,
  });
}
