// The normalisers of a tokenizer.json, as Hugging Face's Rust original computes them. @huggingface/tokenizers lowers whole texts instead of
// characters (final sigma), splits ideographs beyond the first plane in halves, and replaces SentencePiece's table by rules of its own.
import { isRecord } from "../../../../util/is-record.ts";
import { createCharsmap } from "./charsmap.ts";
import { ReplaceNormalizer } from "./library.ts";
import { unsupportedPart, type TokenizerPart } from "./part.ts";
import { controls, marks, spaces } from "./unicode-8.ts";

export type Normalizer = (text: string) => string;

/** @throws ServerError `model_load_failed` for a normaliser that is not known, by its name */
export function createNormalizer(part: TokenizerPart | null | undefined): Normalizer {
  if (part === null || part === undefined) return (text) => text;
  switch (part.type) {
    case "Sequence": {
      const steps = partsOf(part["normalizers"]).map(createNormalizer);
      return (text) => steps.reduce((value, step) => step(value), text);
    }
    case "BertNormalizer":
      return createBertNormalizer(part);
    case "Precompiled":
      return createCharsmap(part["precompiled_charsmap"]);
    case "NFC":
    case "NFD":
    case "NFKC":
    case "NFKD": {
      const form = part.type;
      return (text) => text.normalize(form);
    }
    case "Lowercase":
      return lowered;
    case "StripAccents":
      return (text) => text.replace(combiningMarks, "");
    case "Strip":
      return createStrip(part);
    case "Prepend": {
      const prefix = String(part["prepend"]);
      return (text) => (text === "" ? "" : prefix + text);
    }
    case "Replace":
      return createReplace(part);
    default:
      throw unsupportedPart("normalizer", part);
  }
}

/** True where the normaliser lowers the case of every text already. */
export function lowersCase(part: TokenizerPart | null | undefined): boolean {
  if (part === null || part === undefined) return false;
  if (part.type === "Sequence") return partsOf(part["normalizers"]).some(lowersCase);
  return part.type === "Lowercase" || (part.type === "BertNormalizer" && part["lowercase"] === true);
}

function partsOf(value: unknown): TokenizerPart[] {
  return Array.isArray(value) ? value.filter((entry): entry is TokenizerPart => isRecord(entry)) : [];
}

const combiningMarks = /\p{M}/gu;
const eachMark = new RegExp(`[${marks}]`, "gv");
const eachControl = new RegExp(`[${controls}]`, "gv");
const eachSpace = new RegExp(`[${spaces}]`, "gv");
const plainAscii = /^[\x20-\x7e]*$/;

/** The blocks of ideographs that Google's BERT splits off. The gap at U+2B820 is the original's. */
const ideographs =
  /[\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\u{20000}-\u{2a6df}\u{2a700}-\u{2b73f}\u{2b740}-\u{2b81f}\u{2b920}-\u{2ceaf}\u{2f800}-\u{2fa1f}]/gu;

function createBertNormalizer(part: TokenizerPart): Normalizer {
  const cleans = part["clean_text"] !== false;
  const splits = part["handle_chinese_chars"] !== false;
  const lowers = part["lowercase"] !== false;
  const strips = typeof part["strip_accents"] === "boolean" ? part["strip_accents"] : lowers;
  return (text) => {
    if (plainAscii.test(text)) return lowers ? text.toLowerCase() : text;
    let value = text;
    if (cleans) value = value.replace(eachControl, "").replace(eachSpace, " ");
    if (splits) value = value.replace(ideographs, " $& ");
    if (strips) value = value.normalize("NFD").replace(eachMark, "");
    return lowers ? lowered(value) : value;
  };
}

const capitalSigma = "\u03a3";

/** Each character on its own: of a whole text JavaScript and Python write the last sigma of a word otherwise. */
function lowered(text: string): string {
  if (!text.includes(capitalSigma)) return text.toLowerCase();
  return text
    .split(capitalSigma)
    .map((piece) => piece.toLowerCase())
    .join("\u03c3");
}

function createStrip(part: TokenizerPart): Normalizer {
  const start = part["strip_left"] === true ? `^${spaces}+` : "";
  const end = part["strip_right"] === true ? `${spaces}+$` : "";
  if (start === "" && end === "") return (text) => text;
  const pattern = new RegExp([start, end].filter((source) => source !== "").join("|"), "gu");
  return (text) => text.replace(pattern, "");
}

function createReplace(part: TokenizerPart): Normalizer {
  const { pattern, content } = part;
  if (isRecord(pattern) && typeof pattern["String"] === "string") {
    const [from, to] = [pattern["String"], String(content)];
    return (text) => text.replaceAll(from, () => to);
  }
  if (!isRecord(pattern) || typeof pattern["Regex"] !== "string") throw unsupportedPart("normalizer", part);
  const replace = new ReplaceNormalizer({
    type: "Replace",
    pattern: { Regex: pattern["Regex"] },
    content: String(content).replaceAll("$", "$$$$"),
  });
  return (text) => replace.normalize(text);
}
