// Makes the tokenizer of the text models: byte-level BPE with control tokens of ChatML and fill-in-the-middle, and tokens for tool calls.

import { readFileSync } from "node:fs";
import { join } from "node:path";

import { type LlamaTokenizer } from "../shapes/llama.ts";
import { type BpeVocabulary } from "./bpe.ts";

const ordinary = 1;
const control = 3;
const userDefined = 4;

const controlTokens = [
  "<|endoftext|>",
  "<|im_start|>",
  "<|im_end|>",
  "<|fim_prefix|>",
  "<|fim_middle|>",
  "<|fim_suffix|>",
];
/** No control tokens, as callers must get them as text; Qwen2.5 does the same. */
const markupTokens = ["<tool_call>", "</tool_call>"];

/** How many tokens stand after the trained ones. */
export const chatSpecialTokenCount = controlTokens.length + markupTokens.length;

/** A trained vocabulary with the control tokens behind it. */
export function chatTokenizer(vocabulary: BpeVocabulary): LlamaTokenizer {
  return {
    tokens: [...vocabulary.tokens, ...controlTokens, ...markupTokens],
    merges: vocabulary.merges,
    types: [
      ...vocabulary.tokens.map(() => ordinary),
      ...controlTokens.map(() => control),
      ...markupTokens.map(() => userDefined),
    ],
    preTokenizer: "qwen2",
    endOfSequence: "<|im_end|>",
    special: {
      "tokenizer.ggml.padding_token_id": "<|endoftext|>",
      "tokenizer.ggml.eot_token_id": "<|im_end|>",
      "tokenizer.ggml.fim_pre_token_id": "<|fim_prefix|>",
      "tokenizer.ggml.fim_suf_token_id": "<|fim_suffix|>",
      "tokenizer.ggml.fim_mid_token_id": "<|fim_middle|>",
    },
    chatTemplate: readFileSync(join(import.meta.dirname, "../bundled/chat-template.jinja"), "utf8").replaceAll(
      "\r\n",
      "\n",
    ),
  };
}
