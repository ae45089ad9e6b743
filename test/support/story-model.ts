// The text model of most tests of the llama backend, which transformers wrote (scripts/fixtures/text/families/llama.py): a llama of
// 130,000 parameters that babbles in the words of a story.
import { referencePath } from "./reference-text.ts";

/** Ids of the story model's vocabulary: the control tokens, then 256 bytes, then pieces up to 511. */
export const storyToken = { unknown: 0, bos: 1, eos: 2, firstPiece: 259, last: 511 } as const;

export const storyShape = { layers: 3, width: 48 } as const;

export const storyModel = referencePath("llama", "llama-f32.gguf");

/** The same vocabulary in a model that has {@link infillMarks}. */
export const infillModel = referencePath("llama", "llama-infill-f16.gguf");

/** Tokens that the metadata of {@link infillModel} marks for filling in the middle. */
export const infillMarks = { pre: 400, suf: 401, mid: 402 } as const;
