// A text model whose vocabulary has the markup of every family as tokens, so that one file can stand for each of them by the options
// `family` and `chatTemplate`. Its weights are random: with biases it does whatever a test wants a bad model to do.
import { join } from "node:path";
import { FAMILIES } from "../../src/backends/llama/chat/families/families.ts";
import { writeGguf } from "../../scripts/build-models/formats/gguf.ts";
import { llamaModel, type LlamaTokenizer } from "../../scripts/build-models/shapes/llama.ts";
import { isWholeText, trainByteLevelBpe } from "../../scripts/build-models/tokenizers/bpe.ts";
import { temporaryFolder } from "./temporary-folder.ts";

const ordinary = 1;
const control = 3;
const userDefined = 4;

const corpus =
  'The {"city": "Paris", "days": 3} and {"name": "lookup", "arguments": {"city": "Oslo"}} of the day. ' +
  "I think that the call should be made, then the answer is given.\n".repeat(20);

/** Texts that end a turn; llama.cpp knows them by their spelling. */
const ends = ["<|im_end|>", "<|return|>", "<|call|>", "<|END_OF_TURN_TOKEN|>", "<|eot_id|>"];
const furtherEnds = ["<|endoftext|>", "<｜end▁of▁sentence｜>"];

const markup = [
  ...new Set([
    "<|im_start|>",
    ...ends,
    "<seed:think>",
    "</seed:think>",
    ...FAMILIES.flatMap((family) => [
      ...family.keepTokens,
      ...family.reasoning.flatMap(({ open, close }) => [open, close]),
    ]),
    ...furtherEnds,
    "<｜User｜>",
    "<｜Assistant｜>",
  ]),
].filter((text) => !text.includes(" ") && (text.match(/[<[]/g) ?? []).length === 1);

export interface MarkupModel {
  readonly path: string;
  /** Tokens of the vocabulary. */
  readonly size: number;
  readonly has: (text: string) => boolean;
  /** Id of a token by its text, as the vocabulary spells it. */
  readonly tokenOf: (text: string) => number;
  /** Ids of the tokens that end a turn. */
  readonly ends: readonly number[];
}

/** Writes the model. It is removed after the file's tests. */
export function useMarkupModel(): MarkupModel {
  const trained = trainByteLevelBpe(corpus, 320);
  const tokens = [...trained.tokens, ...markup];
  // As in published files: tags are text that the tokenizer knows, the rest control tokens.
  const types = tokens.map((text, id) =>
    id < trained.tokens.length ? ordinary : /^<\/?(think|tool_call)>$/.test(text) ? userDefined : control,
  );
  const tokenizer: LlamaTokenizer = {
    tokens,
    merges: trained.merges,
    types,
    preTokenizer: "qwen2",
    endOfSequence: "<|im_end|>",
    special: { "tokenizer.ggml.eot_token_id": "<|im_end|>" },
  };
  const logitBias = Float32Array.from(tokens, (text, id) => {
    if (types[id] !== ordinary) return -4;
    return isWholeText(text) ? (/["}\]]/.test(text) ? 2 : 0) : -30;
  });
  const path = join(temporaryFolder("markup"), "markup.gguf");
  const model = llamaModel({
    name: "markup",
    seed: 17,
    shape: { layers: 2, width: 64, heads: 4, keyValueHeads: 2, feedForward: 128, context: 8192 },
    tokenizer,
    type: "f32",
    logitBias,
    logitSpread: 2,
  });
  writeGguf(path, model);
  const tokenOf = (text: string): number => {
    const id = tokens.indexOf(text);
    if (id === -1) throw new Error(`The vocabulary has no token ${text}.`);
    return id;
  };
  return {
    path,
    size: tokens.length,
    has: (text) => tokens.includes(text),
    tokenOf,
    ends: [...ends, ...furtherEnds].map(tokenOf),
  };
}
