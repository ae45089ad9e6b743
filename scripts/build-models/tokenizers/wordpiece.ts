// Trains a WordPiece vocabulary, and writes the tokenizer files from which transformers libraries load it.

import { countItems, learnMerges } from "./pair-merging.ts";

const special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"] as const;

/**
 * Characters that get tokens, alone and within words, so that a text in one of these scripts is never all [UNK]. BERT's normaliser strips
 * accents and lower-cases first, so letters with accents and capitals need none. Hangul arrives as jamo.
 */
const letterRanges: readonly (readonly [number, number])[] = [
  [0x30, 0x39],
  [0x61, 0x7a],
  [0x3b1, 0x3c9],
  [0x430, 0x44f],
  [0x5d0, 0x5ea],
  [0x621, 0x64a],
  [0x905, 0x939],
  [0x93e, 0x940],
  [0x949, 0x94c],
  [0xe01, 0xe33],
  [0xe40, 0xe46],
  [0x1100, 0x1112],
  [0x1161, 0x1175],
  [0x11a8, 0x11c2],
  [0x3041, 0x3093],
  [0x30a1, 0x30f3],
];
const moreLetters = "ßæøœđłıþðŋіїєґә";
/** BERT's pre-tokenizer makes each ideograph a word. */
const ideographs =
  "一二三四五六七八九十百千人口日月年火水木金土大小中上下左右天地山川田子女男王玉石花草虫犬目耳手足力文字学校先生名正赤青白早見休立出入车車東西南北京国國本语語我你他她们們好不是的了在有这這那个個会會来來去说說看想要吃喝书書家门門";

export interface WordPieceVocabulary {
  readonly tokens: readonly string[];
}

/** Characters first, then pieces learned from the corpus, `size` tokens in all. */
export function trainWordPiece(corpus: string, size: number): WordPieceVocabulary {
  const letters = [...letterRanges.flatMap(([first, last]) => characters(first, last)), ...moreLetters];
  const marks = [
    ...characters(0x21, 0x2f),
    ...characters(0x3a, 0x40),
    ...characters(0x5b, 0x60),
    ...characters(0x7b, 0x7e),
  ];
  const others = [..."…–—‘’“”«»¡¿°€£¥§©®™×÷±→←、。「」！？・"];
  const alphabet = [...new Set([...letters, ...marks, ...others, ...ideographs])];
  const tokens = new Set<string>([...special, ...alphabet, ...letters.map((letter) => `##${letter}`)]);
  const words = countItems(corpus.toLowerCase().match(/[a-z]+/g) ?? []).map(([word, count]) => ({
    symbols: Array.from(word, (letter, index) => (index === 0 ? letter : `##${letter}`)),
    count,
  }));
  const learned = learnMerges(words, { merges: size, join: (left, right) => left + right.replace(/^##/, "") });
  for (const { merged } of learned) {
    if (tokens.size >= size) break;
    tokens.add(merged);
  }
  return { tokens: [...tokens] };
}

/** Files of the tokenizer by name: tokenizer.json, tokenizer_config.json, special_tokens_map.json and vocab.txt. */
export function wordPieceFiles(vocabulary: WordPieceVocabulary, maximumTokens: number): Map<string, string> {
  const { tokens } = vocabulary;
  const tokenizer = {
    version: "1.0",
    truncation: null,
    padding: null,
    added_tokens: special.map((content, id) => ({
      id,
      content,
      single_word: false,
      lstrip: false,
      rstrip: false,
      normalized: false,
      special: true,
    })),
    normalizer: {
      type: "BertNormalizer",
      clean_text: true,
      handle_chinese_chars: true,
      strip_accents: null,
      lowercase: true,
    },
    pre_tokenizer: { type: "BertPreTokenizer" },
    post_processor: {
      type: "TemplateProcessing",
      single: [token("[CLS]"), sequence("A"), token("[SEP]")],
      pair: [token("[CLS]"), sequence("A"), token("[SEP]"), sequence("B", 1), token("[SEP]", 1)],
      special_tokens: { "[CLS]": templateToken("[CLS]", 2), "[SEP]": templateToken("[SEP]", 3) },
    },
    decoder: { type: "WordPiece", prefix: "##", cleanup: true },
    model: {
      type: "WordPiece",
      unk_token: "[UNK]",
      continuing_subword_prefix: "##",
      max_input_chars_per_word: 100,
      vocab: Object.fromEntries(tokens.map((content, id) => [content, id])),
    },
  };
  const names = {
    unk_token: "[UNK]",
    sep_token: "[SEP]",
    pad_token: "[PAD]",
    cls_token: "[CLS]",
    mask_token: "[MASK]",
  };
  const config = {
    ...names,
    clean_up_tokenization_spaces: true,
    do_basic_tokenize: true,
    do_lower_case: true,
    model_max_length: maximumTokens,
    never_split: null,
    strip_accents: null,
    tokenize_chinese_chars: true,
    tokenizer_class: "BertTokenizer",
  };
  return new Map([
    ["tokenizer.json", `${JSON.stringify(tokenizer)}\n`],
    ["tokenizer_config.json", `${JSON.stringify(config, null, 2)}\n`],
    ["special_tokens_map.json", `${JSON.stringify(names, null, 2)}\n`],
    ["vocab.txt", `${tokens.join("\n")}\n`],
  ]);
}

function characters(first: number, last: number): string[] {
  return Array.from({ length: last - first + 1 }, (_, index) => String.fromCodePoint(first + index));
}

function token(id: string, type = 0): object {
  return { SpecialToken: { id, type_id: type } };
}

function sequence(id: string, type = 0): object {
  return { Sequence: { id, type_id: type } };
}

function templateToken(id: string, number: number): object {
  return { id, ids: [number], tokens: [id] };
}
