// From the graph's output to vectors and scores, as the folder of the model says.
import { ServerError } from "../../../domain/errors.ts";
import type { EncoderHead } from "../../../model-files/encoder/encoder-folder.ts";
import type { ScoreRule } from "../../../model-files/encoder/scores.ts";
import type { GraphOutput } from "../encoder-graph.ts";
import type { EncodedText } from "../text/encode-text.ts";
import { pool } from "./pooling.ts";
import { loadVectorStep, type Vectors } from "./vector-modules.ts";

export interface LoadedHead {
  /** Bytes of weights outside of the graph. */
  readonly bytes: number;
  /** One vector, or one raw score, per text. @throws ServerError `model_load_failed` for an output of a shape that no encoder has */
  apply(output: GraphOutput, texts: readonly EncodedText[]): Vectors;
}

/** Reads the weights of modules outside of the graph. @throws ServerError `model_load_failed` where they cannot be read */
export function loadHead(head: EncoderHead): LoadedHead {
  switch (head.kind) {
    case "vector":
      return { bytes: 0, apply: (output, texts) => toVectors(output, { texts, name: head.output }) };
    case "score":
      return { bytes: 0, apply: (output, texts) => toScores(output, { texts, rule: head.rule }) };
    case "tokens": {
      const steps = head.after.map(loadVectorStep);
      const { modes, includesPrompt } = head.pooling;
      return {
        bytes: steps.reduce((sum, step) => sum + step.bytes, 0),
        apply(output, texts) {
          const { data, mask, dims } = output;
          const [batch = 0, sequence = 0, dimensions = 0] = dims;
          if (dims.length !== 3 || batch !== texts.length) {
            throw unexpectedShape(dims, { name: head.output, expected: "[batch, tokens, dimensions]" });
          }
          if (!includesPrompt) leaveOutPrompts(mask, { texts, sequence });
          const pooled = pool(modes, { hidden: data, mask, shape: { batch, sequence, dimensions } });
          const first: Vectors = { data: pooled, width: modes.length * dimensions };
          return steps.reduce((vectors, step) => step.apply(vectors), first);
        },
      };
    }
  }
}

/** The score to tell: raw, or after the model's own activation. */
export function finishScore(raw: number, { activation }: ScoreRule): number {
  return activation === "identity" ? raw : 1 / (1 + Math.exp(-raw));
}

function toVectors(
  { data, dims }: GraphOutput,
  { texts, name }: { readonly texts: readonly EncodedText[]; readonly name: string },
): Vectors {
  const [batch = 0, width = 0] = dims;
  if (dims.length === 2 && batch === texts.length) return { data, width };
  throw unexpectedShape(dims, { name, expected: "[batch, dimensions]" });
}

function toScores(
  { data, dims }: GraphOutput,
  { texts, rule }: { readonly texts: readonly EncodedText[]; readonly rule: ScoreRule },
): Vectors {
  const [batch = 0, labels = 1] = dims;
  if (dims.length > 2 || batch !== texts.length || labels !== rule.labels) {
    throw unexpectedShape(dims, { name: "logits", expected: `[batch, ${rule.labels}]` });
  }
  const scores = texts.map((_, row) => (labels === 1 ? data[row]! : data[2 * row + 1]! - data[2 * row]!));
  return { data: Float32Array.from(scores), width: 1 };
}

/** Tokens of a prompt, and the special ones before it, are no part of the vector. */
function leaveOutPrompts(
  mask: Uint8Array,
  { texts, sequence }: { readonly texts: readonly EncodedText[]; readonly sequence: number },
): void {
  for (const [row, { promptTokens }] of texts.entries()) mask.fill(0, row * sequence, row * sequence + promptTokens);
}

function unexpectedShape(
  dims: readonly number[],
  { name, expected }: { readonly name: string; readonly expected: string },
): ServerError {
  return new ServerError(
    "model_load_failed",
    `The output '${name}' has the shape [${dims.join(", ")}]; expected ${expected}.`,
  );
}
