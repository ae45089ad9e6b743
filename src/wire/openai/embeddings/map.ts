// Maps embedding requests to the domain's, and results to answers. An answer is JSON text in pieces, because 1,024 vectors are some
// 400,000 numbers: between two pieces the server can handle other requests.
import { endianness } from "node:os";
import type { EmbeddingRequest, EmbeddingResult } from "../../../domain/embedding.ts";
import type { EmbeddingRequestWire } from "./contract.ts";
import { toTextInputs } from "../../contract/text-input.ts";
import { given } from "../../contract/common.ts";

export interface EmbeddingAnswer {
  /** The model's name as the caller wrote it, or the default's id. */
  readonly model: string;
  readonly encoding: "float" | "base64";
}

/** Numbers per piece of JSON text: about 2 ms of work. */
const valuesPerPiece = 16_384;

/** The models whose token ids are those of cl100k_base, also as routers write them (`openai/text-embedding-3-small`). */
const openAiNames = /(?:^|\/)text-embedding-(?:ada-002|3-small|3-large)$/;

function isOpenAiName(model: string | null | undefined): boolean {
  return typeof model === "string" && openAiNames.test(model);
}

/** `request` has passed the embedding contract. */
export function toEmbeddingRequest(request: EmbeddingRequestWire): EmbeddingRequest {
  return {
    inputs: toTextInputs(request.input),
    ...given("inputType", request.input_type),
    ...given("promptName", request.prompt_name),
    ...(isOpenAiName(request.model) ? { asksForOpenAi: true } : {}),
    ...given("truncate", request.truncate),
    ...given("dimensions", request.dimensions),
  };
}

/**
 * The pieces of an embedding list as JSON; joined they are one `EmbeddingResponse`.
 * `float` writes the shortest decimals found that read back as the same float32, so `Math.fround` of each number
 * equals the float32 inside the `base64` answer (little-endian), bit for bit; negative zero is written as zero in both.
 */
export function* embeddingResponseParts(result: EmbeddingResult, answer: EmbeddingAnswer): Generator<string> {
  const { dimensions, promptTokens } = result;
  const vectors = withoutNegativeZero(result.vectors);
  const count = vectors.length / dimensions;
  const encode = answer.encoding === "base64" ? toBase64 : toJsonNumbers;
  let piece = `{"object":"list","data":[`;
  let valuesInPiece = 0;
  for (let index = 0; index < count; index += 1) {
    const vector = vectors.subarray(index * dimensions, (index + 1) * dimensions);
    const comma = index === 0 ? "" : ",";
    piece += `${comma}{"object":"embedding","index":${index},"embedding":${encode(vector)}}`;
    valuesInPiece += dimensions;
    if (valuesInPiece >= valuesPerPiece) {
      yield piece;
      piece = "";
      valuesInPiece = 0;
    }
  }
  const model = JSON.stringify(answer.model);
  yield `${piece}],"model":${model},"usage":{"prompt_tokens":${promptTokens},"total_tokens":${promptTokens}}}`;
}

function toBase64(vector: Float32Array): string {
  const bytes = Buffer.from(vector.buffer, vector.byteOffset, vector.byteLength);
  return `"${(endianness() === "LE" ? bytes : Buffer.from(bytes).swap32()).toString("base64")}"`;
}

function toJsonNumbers(vector: Float32Array): string {
  const numbers = Array.from<number>({ length: vector.length });
  for (let i = 0; i < vector.length; i += 1) numbers[i] = toShortDecimal(vector[i] ?? 0);
  return JSON.stringify(numbers);
}

/**
 * A double with few decimals that rounds to the float32 `value`. Written out as they are, float32 values have 17 digits
 * as doubles; half of them say nothing. Nine significant digits always suffice, and most need no more than nine places.
 */
function toShortDecimal(value: number): number {
  for (const scale of [1e9, 1e10, 1e11]) {
    const rounded = Math.round(value * scale) / scale;
    if (Math.fround(rounded) === value) return rounded;
  }
  if (!Number.isFinite(value)) throw new RangeError("The model returned an embedding that is not finite.");
  return Number(value.toPrecision(9));
}

/** JSON cannot say -0 where JavaScript writes it; both encodings must say the same. */
function withoutNegativeZero(vectors: Float32Array): Float32Array {
  const first = vectors.findIndex((value) => Object.is(value, -0));
  return first === -1 ? vectors : vectors.map((value) => value + 0);
}
