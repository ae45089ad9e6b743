// Whether llama.cpp multiplies on the matrix tiles (AMX) of Intel's server processors since Sapphire Rapids. Its code for them (v0.5.0,
// `ggml_backend_amx_mul_mat`) reads past the end of the weights where several sequences are multiplied by one matrix as so many
// matrices, as convolutions and state spaces do: two texts at once get wrong logits or none, the first of them apart
// (ggml-org/llama.cpp#19184). Attention puts all sequences into one matrix and is right.
import { readFileSync } from "node:fs";

/** `readProcessors` = the text of /proc/cpuinfo; only builds for Linux use the tiles. */
export function hasMatrixTiles(readProcessors: () => string = readSystemProcessors): boolean {
  return /^flags\s*:.*\bamx_int8\b/m.test(readProcessors());
}

function readSystemProcessors(): string {
  try {
    return readFileSync("/proc/cpuinfo", "utf8");
  } catch {
    return "";
  }
}
