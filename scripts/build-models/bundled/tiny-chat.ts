// Writes tiny-chat, a small llama with random weights. It babbles in whole characters and stops now and then.

import { mkdirSync } from "node:fs";
import { join } from "node:path";

import { writeGguf } from "../formats/gguf.ts";
import { llamaModel, type LlamaShape, type LlamaTokenizer } from "../shapes/llama.ts";
import { isWholeText, trainByteLevelBpe } from "../tokenizers/bpe.ts";
import { chatSpecialTokenCount, chatTokenizer } from "../tokenizers/chat-tokenizer.ts";
import { readCorpus } from "./corpus.ts";

export const tinyChatSeed = 8484;
const vocabularySize = 1536;

export const tinyChatShape: LlamaShape = {
  layers: 4,
  width: 192,
  heads: 6,
  keyValueHeads: 2,
  feedForward: 512,
  context: 4096,
};

/** Writes tiny-chat.gguf into a folder. */
export function writeTinyChat(folder: string): void {
  const tokenizer = chatTokenizer(trainByteLevelBpe(readCorpus(), vocabularySize - chatSpecialTokenCount));
  mkdirSync(folder, { recursive: true });
  writeGguf(
    join(folder, "tiny-chat.gguf"),
    llamaModel({
      name: "tiny-chat",
      seed: tinyChatSeed,
      shape: tinyChatShape,
      tokenizer,
      type: "q8_0",
      logitBias: babbleBias(tokenizer),
      logitSpread: 2,
    }),
  );
}

/** Parts of characters practically never come, the end token about once in fifty tokens, and quotes often, so that strings end. */
function babbleBias(tokenizer: LlamaTokenizer): Float32Array {
  const never = -16;
  return Float32Array.from(tokenizer.tokens, (token, id) => {
    if (token === tokenizer.endOfSequence) return 3.2;
    if (tokenizer.types[id] !== 1 || !isWholeText(token)) return never;
    if (isControlCharacter(token)) return never;
    return token.startsWith('"') ? 1 : 0;
  });
}

/** ASCII control characters other than the line feed, in byte-level writing: U+0100 plus the byte. */
function isControlCharacter(token: string): boolean {
  const code = token.codePointAt(0) ?? 0;
  return token.length === 1 && ((code >= 0x100 && code < 0x120 && code !== 0x10a) || code === 0x121);
}
