// The modules that come after pooling, outside of the graph: sentence-transformers' Dense, LayerNorm and Normalize on one vector per text.
import { ServerError } from "../../../domain/errors.ts";
import type { Activation, DenseModule, LayerNormModule, VectorModule } from "../../../model-files/encoder/modules.ts";
import { readTensorBytes, type StoredTensor } from "../../../model-files/safetensors.ts";
import { normalizeRows } from "../../common/normalize-rows.ts";
import { decodeFloat16 } from "../../onnx/float16.ts";

/** Vectors of several texts, [texts, width] row-major. */
export interface Vectors {
  readonly data: Float32Array;
  readonly width: number;
}

export interface VectorStep {
  /** Bytes of the weights in memory. */
  readonly bytes: number;
  apply(vectors: Vectors): Vectors;
}

/** Reads the weights. @throws ServerError `model_load_failed` where they cannot be read */
export function loadVectorStep(module: VectorModule): VectorStep {
  switch (module.kind) {
    case "dense":
      return loadDense(module);
    case "layer_norm":
      return loadLayerNorm(module);
    case "normalize":
      return { bytes: 0, apply: ({ data, width }) => ({ data: normalizeRows(data, width), width }) };
  }
}

function loadDense({ inputs, outputs, activation, file, weight, bias }: DenseModule): VectorStep {
  const matrix = readFloats(file, weight);
  const offsets = bias === undefined ? new Float32Array(outputs) : readFloats(file, bias);
  const activate = activations[activation];
  return {
    bytes: matrix.byteLength + offsets.byteLength,
    apply({ data, width }) {
      assertWidth(width, inputs);
      const texts = data.length / inputs;
      const out = new Float32Array(texts * outputs);
      for (let text = 0; text < texts; text++) {
        const vector = data.subarray(text * inputs, (text + 1) * inputs);
        for (let output = 0; output < outputs; output++) {
          const row = matrix.subarray(output * inputs, (output + 1) * inputs);
          out[text * outputs + output] = activate(dot(vector, row) + offsets[output]!);
        }
      }
      return { data: out, width: outputs };
    },
  };
}

/** torch's own default, which sentence-transformers never changes. */
const layerNormEpsilon = 1e-5;

function loadLayerNorm({ width: expected, file, weight, bias }: LayerNormModule): VectorStep {
  const scales = readFloats(file, weight);
  const offsets = readFloats(file, bias);
  return {
    bytes: scales.byteLength + offsets.byteLength,
    apply({ data, width }) {
      assertWidth(width, expected);
      for (let start = 0; start < data.length; start += width) {
        const row = data.subarray(start, start + width);
        const mean = row.reduce((sum, value) => sum + value, 0) / width;
        const variance = row.reduce((sum, value) => sum + (value - mean) ** 2, 0) / width;
        const scale = 1 / Math.sqrt(variance + layerNormEpsilon);
        for (let i = 0; i < width; i++) row[i] = (row[i]! - mean) * scale * scales[i]! + offsets[i]!;
      }
      return { data, width };
    },
  };
}

const activations: Readonly<Record<Activation, (value: number) => number>> = {
  identity: (value) => value,
  tanh: Math.tanh,
  relu: (value) => Math.max(0, value),
  gelu: (value) => 0.5 * value * (1 + erf(value / Math.SQRT2)),
  sigmoid: (value) => 1 / (1 + Math.exp(-value)),
  silu: (value) => value / (1 + Math.exp(-value)),
};

/** Four sums, which the processor adds at once. */
function dot(a: Float32Array, b: Float32Array): number {
  let [s0, s1, s2, s3] = [0, 0, 0, 0];
  const whole = a.length - (a.length % 4);
  for (let i = 0; i < whole; i += 4) {
    s0 += a[i]! * b[i]!;
    s1 += a[i + 1]! * b[i + 1]!;
    s2 += a[i + 2]! * b[i + 2]!;
    s3 += a[i + 3]! * b[i + 3]!;
  }
  for (let i = whole; i < a.length; i++) s0 += a[i]! * b[i]!;
  return s0 + s1 + (s2 + s3);
}

/** The error function to 1e-9: its series below 2.5, its continued fraction beyond (Abramowitz & Stegun, 7.1.6 and 7.1.14). */
function erf(x: number): number {
  const size = Math.abs(x);
  if (size > 6) return Math.sign(x);
  if (size < 2.5) {
    let term = size;
    let sum = size;
    for (let n = 1; term > 1e-12 * sum; n++) {
      term *= (2 * size * size) / (2 * n + 1);
      sum += term;
    }
    return Math.sign(x) * ((2 / Math.sqrt(Math.PI)) * Math.exp(-size * size) * sum);
  }
  let fraction = 0;
  for (let n = 40; n > 0; n--) fraction = n / 2 / (size + fraction);
  return Math.sign(x) * (1 - Math.exp(-size * size) / Math.sqrt(Math.PI) / (size + fraction));
}

function readFloats(file: string, tensor: StoredTensor): Float32Array {
  const bytes = readTensorBytes(file, tensor);
  switch (tensor.type) {
    case "F32":
      return new Float32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 4);
    case "F16":
      return decodeFloat16(new Uint16Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 2));
    case "BF16": {
      const halves = new Uint16Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 2);
      // bfloat16 is the upper half of a float32.
      return new Float32Array(Uint32Array.from(halves, (half) => half << 16).buffer);
    }
    default:
      throw new ServerError("model_load_failed", `${file} has a tensor of type ${tensor.type}, not of floats.`);
  }
}

function assertWidth(width: number, expected: number): void {
  if (width === expected) return;
  throw new ServerError(
    "model_load_failed",
    `A module takes vectors of ${expected} dimensions; it was given ${width}.`,
  );
}
