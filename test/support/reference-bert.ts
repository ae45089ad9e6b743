// An independent forward pass of BERT in float64 and plain loops, written from the papers and not from any runtime, to
// judge the engine's numbers by. Slow and exact on purpose.
// Vaswani et al., "Attention Is All You Need" (2017); Devlin et al., "BERT" (2018); Hendrycks & Gimpel, "GELUs" (2016).
import { readSource } from "../../scripts/build-models/formats/byte-source.ts";
import type { OnnxModel } from "../../scripts/build-models/formats/onnx.ts";
import type { BertShape } from "../../scripts/build-models/shapes/bert.ts";

export interface ReferenceInput {
  readonly ids: readonly number[];
  /** Segment of every token. */
  readonly segments: readonly number[];
}

export type Matrix = readonly Float64Array[];

export interface ReferenceBert {
  /** One row of `width` per token. */
  encode(input: ReferenceInput): Matrix;
  /** Logits of a cross-encoder: the first token's row through a tanh layer and the classifier. */
  score(input: ReferenceInput): Float64Array;
}

export function createReferenceBert(model: OnnxModel, shape: BertShape): ReferenceBert {
  const weights = new Map<string, Float64Array>();
  for (const { name, type, data } of model.initializers) {
    if (type !== "float32") continue;
    const bytes = readSource(data);
    weights.set(name, Float64Array.from(new Float32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 4)));
  }
  const weight = (name: string): Float64Array => {
    const values = weights.get(name);
    if (values === undefined) throw new Error(`The model has no weight ${name}.`);
    return values;
  };
  const linear = (x: Matrix, name: string): Matrix => {
    const matrix = weight(`${name}.weight`);
    const bias = weight(`${name}.bias`);
    return x.map((row) => {
      const out = Float64Array.from(bias);
      for (let i = 0; i < row.length; i++) {
        const factor = row[i] as number;
        const start = i * out.length;
        for (let j = 0; j < out.length; j++) out[j] = (out[j] as number) + factor * (matrix[start + j] as number);
      }
      return out;
    });
  };
  const layerNorm = (x: Matrix, name: string): Matrix => {
    const gain = weight(`${name}.weight`);
    const bias = weight(`${name}.bias`);
    return x.map((row) => {
      const mean = sum(row) / row.length;
      const variance = sum(row.map((value) => (value - mean) ** 2)) / row.length;
      const scale = 1 / Math.sqrt(variance + 1e-12);
      return row.map((value, i) => (value - mean) * scale * (gain[i] as number) + (bias[i] as number));
    });
  };
  const tableRow = (name: string, row: number): Float64Array =>
    weight(name).subarray(row * shape.width, (row + 1) * shape.width);

  const encode = ({ ids, segments }: ReferenceInput): Matrix => {
    let hidden: Matrix = ids.map((id, position) => {
      const word = tableRow("embeddings.word_embeddings.weight", id);
      const place = tableRow("embeddings.position_embeddings.weight", position);
      const segment = tableRow("embeddings.token_type_embeddings.weight", segments[position] as number);
      return word.map((value, i) => value + (place[i] as number) + (segment[i] as number));
    });
    hidden = layerNorm(hidden, "embeddings.LayerNorm");
    for (let layer = 0; layer < shape.layers; layer++) {
      const name = `encoder.layer.${layer}`;
      const query = linear(hidden, `${name}.attention.self.query`);
      const key = linear(hidden, `${name}.attention.self.key`);
      const value = linear(hidden, `${name}.attention.self.value`);
      const mixed = attend({ query, key, value, heads: shape.heads });
      const attended = layerNorm(
        add(linear(mixed, `${name}.attention.output.dense`), hidden),
        `${name}.attention.output.LayerNorm`,
      );
      const wide = linear(attended, `${name}.intermediate.dense`).map((row) => row.map(gelu));
      hidden = layerNorm(add(linear(wide, `${name}.output.dense`), attended), `${name}.output.LayerNorm`);
    }
    return hidden;
  };

  return {
    encode,
    score(input) {
      const pooled = linear(encode(input).slice(0, 1), "pooler.dense").map((row) => row.map(Math.tanh));
      return linear(pooled, "classifier")[0] as Float64Array;
    },
  };
}

/** The mean of all rows. */
export function meanRow(rows: Matrix): Float64Array {
  const mean = new Float64Array(rows[0]?.length ?? 0);
  for (const row of rows) for (let i = 0; i < mean.length; i++) mean[i] = (mean[i] as number) + (row[i] as number);
  return mean.map((value) => value / rows.length);
}

/** The vector divided by its Euclidean length. */
export function unit(vector: Float64Array): Float64Array {
  const length = Math.sqrt(sum(vector.map((value) => value * value)));
  return vector.map((value) => value / length);
}

interface AttentionInput {
  readonly query: Matrix;
  readonly key: Matrix;
  readonly value: Matrix;
  readonly heads: number;
}

function attend({ query, key, value, heads }: AttentionInput): Matrix {
  const width = query[0]?.length ?? 0;
  const size = width / heads;
  return query.map((q) => {
    const out = new Float64Array(width);
    for (let start = 0; start < width; start += size) {
      const scores = key.map((k) => {
        let product = 0;
        for (let i = start; i < start + size; i++) product += (q[i] as number) * (k[i] as number);
        return product / Math.sqrt(size);
      });
      const highest = Math.max(...scores);
      const powers = scores.map((score) => Math.exp(score - highest));
      const total = powers.reduce((a, b) => a + b, 0);
      for (const [token, power] of powers.entries()) {
        const row = value[token] as Float64Array;
        for (let i = start; i < start + size; i++) out[i] = (out[i] as number) + (power / total) * (row[i] as number);
      }
    }
    return out;
  });
}

function add(a: Matrix, b: Matrix): Matrix {
  return a.map((row, r) => row.map((value, i) => value + ((b[r] as Float64Array)[i] as number)));
}

function sum(values: Float64Array): number {
  return values.reduce((a, b) => a + b, 0);
}

function gelu(x: number): number {
  return (x / 2) * (1 + erf(x / Math.SQRT2));
}

/** The error function to about 1e-15: its Maclaurin series near zero, a continued fraction of erfc beyond (DLMF 7.6.1, 7.9.1). */
export function erf(x: number): number {
  const size = Math.abs(x);
  if (size > 6) return Math.sign(x);
  if (size < 2.5) {
    let term = x;
    let total = x;
    for (let n = 1; Math.abs(term) > 1e-18 * Math.abs(total); n++) {
      term *= (-x * x) / n;
      total += term / (2 * n + 1);
    }
    return (2 / Math.sqrt(Math.PI)) * total;
  }
  let fraction = 0;
  for (let n = 80; n >= 1; n--) fraction = n / 2 / (size + fraction);
  return Math.sign(x) * (1 - Math.exp(-size * size) / Math.sqrt(Math.PI) / (size + fraction));
}
