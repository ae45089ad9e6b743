// OpenAI's `system_fingerprint`: a digest of what two runs have to share to be able to give the same answer.
import { createHash } from "node:crypto";
import { open } from "node:fs/promises";

export interface FingerprintParts {
  readonly path: string;
  readonly sizeBytes: number;
  readonly modifiedMs: number;
  readonly quantization: string;
  /** Library version, instruction sets, device: whatever changes the arithmetic. */
  readonly build: string;
  readonly threads: number;
  /** Adapters, KV-cache type and the like. */
  readonly settings: unknown;
}

const sampleBytes = 64 * 1024;
const sampleCount = 8;

/**
 * Digest of what the state of a sequence depends on beside its tokens. One that was stored under another key cannot be read, would be
 * that of another model, or has numbers that this process would not have computed.
 */
export async function computeStateKey(parts: FingerprintParts): Promise<string> {
  return (await computeFingerprint(parts)).slice("fp_".length);
}

/** `fp_` and 12 hexadecimal digits over weights (size, time, samples of the bytes), quantisation, build and threads. */
export async function computeFingerprint(parts: FingerprintParts): Promise<string> {
  const hash = createHash("sha256");
  const { path, ...rest } = parts;
  hash.update(JSON.stringify(rest));
  const handle = await open(path, "r");
  try {
    const buffer = Buffer.alloc(sampleBytes);
    const stride = Math.max(sampleBytes, Math.floor((parts.sizeBytes - sampleBytes) / (sampleCount - 1)));
    for (let index = 0; index < sampleCount && index * stride < parts.sizeBytes; index += 1) {
      const { bytesRead } = await handle.read(buffer, 0, sampleBytes, index * stride);
      hash.update(buffer.subarray(0, bytesRead));
    }
  } finally {
    await handle.close();
  }
  return `fp_${hash.digest("hex").slice(0, 12)}`;
}
