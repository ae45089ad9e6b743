// Computes the vectors of texts and the scores of pairs, between the graph, which knows no pooling, and the backend, which knows no
// tensors.
import { ServerError } from "../../domain/errors.ts";
import { pool, type PoolingMode } from "./pooling.ts";
import type { EncodedText } from "./text/encode-text.ts";
import type { EncoderGraph } from "./encoder-graph.ts";

/** Names of outputs with one vector per text, pooled inside the graph. */
export const pooledOutputs: readonly string[] = ["sentence_embedding", "sentence_embeddings"];

/** Names of an encoder's outputs, preferred ones first: one vector per text, then one per token. */
export const encoderOutputs: readonly string[] = [
  ...pooledOutputs,
  "last_hidden_state",
  "token_embeddings",
  "hidden_states",
  "output",
];

export const scoreOutputs: readonly string[] = ["logits"];

/**
 * One vector per text, [texts.length, dimensions] row-major, not normalised.
 * @throws ServerError `model_load_failed` where the output has a shape that no encoder has; the run at load finds that out
 */
export async function embedTexts(
  texts: readonly EncodedText[],
  { graph, pooling }: { readonly graph: EncoderGraph; readonly pooling: PoolingMode },
): Promise<{ readonly vectors: Float32Array; readonly dimensions: number }> {
  const { data, dims, mask } = await graph.run(texts);
  const [batch = 0, second = 0, third] = dims;
  if (third === undefined) return { vectors: data, dimensions: second };
  if (batch !== texts.length || dims.length !== 3) throw unexpectedShape(graph, dims);
  const vectors = pool(pooling, { hidden: data, mask, shape: { batch, sequence: second, dimensions: third } });
  return { vectors, dimensions: third };
}

/**
 * One score per pair, 0 to 1: the sigmoid of the one label's logit, or the softmax of the second of two labels.
 * @throws ServerError `model_load_failed` where the output has another shape
 */
export async function scorePairs(texts: readonly EncodedText[], graph: EncoderGraph): Promise<number[]> {
  const { data, dims } = await graph.run(texts);
  const [batch = 0, labels = 1] = dims;
  if (batch !== texts.length || labels > 2 || dims.length > 2) throw unexpectedShape(graph, dims);
  return texts.map((_, row) => {
    const logits = data.subarray(row * labels, (row + 1) * labels);
    const [first = 0, second] = logits;
    return sigmoid(second === undefined ? first : second - first);
  });
}

function sigmoid(value: number): number {
  return 1 / (1 + Math.exp(-value));
}

function unexpectedShape(graph: EncoderGraph, dims: readonly number[]): ServerError {
  return new ServerError(
    "model_load_failed",
    `The output '${graph.outputName}' has the shape [${dims.join(", ")}]; expected [batch, tokens, dimensions], [batch, dimensions], or [batch, 1 or 2 labels].`,
  );
}
