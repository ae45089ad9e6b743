// The pre-tokenizers of a tokenizer.json: from a text to the pieces that the model splits on their own, as Hugging Face's Rust original
// makes them. @huggingface/tokenizers knows only some ways of treating a delimiter and takes JavaScript's own set of spaces.
import { isRecord } from "../../../../util/is-record.ts";
import { ByteLevelPreTokenizer, SplitPreTokenizer } from "./library.ts";
import { unsupportedPart, type TokenizerPart } from "./part.ts";
import { punctuation, spaces } from "./unicode-8.ts";

export interface Piece {
  readonly text: string;
  /** The piece begins where the whole text begins. */
  readonly isFirst: boolean;
}

export type Splitter = (piece: Piece) => Piece[];

/** What becomes of a delimiter between two pieces. */
type Behavior = "Removed" | "Isolated" | "MergedWithPrevious" | "MergedWithNext" | "Contiguous";

/** @throws ServerError `model_load_failed` for a pre-tokenizer that is not known, by its name */
export function createSplitter(part: TokenizerPart | null | undefined): Splitter {
  if (part === null || part === undefined) return (piece) => [piece];
  switch (part.type) {
    case "Sequence": {
      const value = part["pretokenizers"];
      const steps = (Array.isArray(value) ? value : []).map((entry) => createSplitter(entry as TokenizerPart));
      return (piece) => steps.reduce<Piece[]>((pieces, step) => pieces.flatMap(step), [piece]);
    }
    case "BertPreTokenizer": {
      const words = new RegExp(`[^[${punctuation}]${spaces}]+|[${punctuation}]`, "gv");
      return splitBy(words, { behavior: "Removed", inverted: true });
    }
    case "WhitespaceSplit":
      return splitBy(new RegExp(`[${spaces}]`, "gv"), { behavior: "Removed" });
    case "Whitespace": {
      const words = new RegExp(`[${wordCharacters}]+|[^${wordCharacters}${spaces}]+`, "gv");
      return splitBy(words, { behavior: "Removed", inverted: true });
    }
    case "Punctuation":
      return splitBy(new RegExp(`[${punctuation}]`, "gv"), { behavior: behaviorOf(part) });
    case "Digits":
      return splitBy(/\p{N}/gu, { behavior: part["individual_digits"] === true ? "Isolated" : "Contiguous" });
    case "Metaspace":
      return createMetaspace(part);
    case "ByteLevel":
      return createByteLevel(part);
    case "Split":
      return createSplit(part);
    default:
      throw unsupportedPart("pre-tokenizer", part);
  }
}

/** `\w` of Rust's regular expressions. */
const wordCharacters = String.raw`\p{Alphabetic}\p{M}\p{Nd}\p{Pc}\p{Join_Control}`;

function behaviorOf(part: TokenizerPart): Behavior {
  const known: readonly Behavior[] = ["Removed", "Isolated", "MergedWithPrevious", "MergedWithNext", "Contiguous"];
  const named = part["behavior"];
  if (named === undefined) return "Isolated";
  const found = known.find((behavior) => behavior === named);
  if (found === undefined) throw unsupportedPart("pre-tokenizer", part);
  return found;
}

interface SplitOptions {
  readonly behavior: Behavior;
  /** What the pattern does not match is the delimiter. */
  readonly inverted?: boolean;
}

function splitBy(pattern: RegExp, { behavior, inverted = false }: SplitOptions): Splitter {
  return ({ text, isFirst }) => {
    const pieces: Piece[] = [];
    for (const [start, end] of join(spansOf(text, { pattern, inverted }), behavior)) {
      pieces.push({ text: text.slice(start, end), isFirst: isFirst && start === 0 });
    }
    return pieces;
  };
}

interface Span {
  readonly start: number;
  readonly end: number;
  readonly isDelimiter: boolean;
}

/** The whole text in spans, alternately what is matched and what is between. */
function spansOf(
  text: string,
  { pattern, inverted }: { readonly pattern: RegExp; readonly inverted: boolean },
): Span[] {
  const spans: Span[] = [];
  let position = 0;
  for (const match of text.matchAll(pattern)) {
    const end = match.index + match[0].length;
    if (end === match.index) continue;
    if (match.index > position) spans.push({ start: position, end: match.index, isDelimiter: inverted });
    spans.push({ start: match.index, end, isDelimiter: !inverted });
    position = end;
  }
  if (position < text.length) spans.push({ start: position, end: text.length, isDelimiter: inverted });
  return spans;
}

function join(spans: readonly Span[], behavior: Behavior): (readonly [number, number])[] {
  const joined: [number, number][] = [];
  let wasDelimiter: boolean | undefined;
  for (const { start, end, isDelimiter } of spans) {
    const last = joined.at(-1);
    const grows =
      last !== undefined &&
      ((behavior === "Contiguous" && isDelimiter === wasDelimiter) ||
        (behavior === "MergedWithPrevious" && isDelimiter && wasDelimiter === false) ||
        (behavior === "MergedWithNext" && !isDelimiter && wasDelimiter === true));
    wasDelimiter = isDelimiter;
    if (isDelimiter && behavior === "Removed") continue;
    if (grows) last[1] = end;
    else joined.push([start, end]);
  }
  return joined;
}

/** Spaces become a mark that begins a word, which the first word gets too where the text has no space before it. */
function createMetaspace(part: TokenizerPart): Splitter {
  const mark = typeof part["replacement"] === "string" ? part["replacement"] : "\u2581";
  const stated = part["add_prefix_space"] === false ? "never" : (part["prepend_scheme"] ?? "always");
  const words = part["split"] === false ? undefined : splitBy(literal(mark), { behavior: "MergedWithNext" });
  return ({ text, isFirst }) => {
    const marked = text.replaceAll(" ", mark);
    const begins = stated === "always" || (stated === "first" && isFirst);
    const piece = { text: begins && !marked.startsWith(mark) ? mark + marked : marked, isFirst };
    return words === undefined ? [piece] : words(piece);
  };
}

/** GPT-2's words. */
const byteLevelWords = new RegExp(
  String.raw`'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^${spaces}\p{L}\p{N}]+|${spaces}+(?!\P{White_Space})|${spaces}+`,
  "gu",
);

function createByteLevel(part: TokenizerPart): Splitter {
  const words = part["use_regex"] === false ? undefined : splitBy(byteLevelWords, { behavior: "Isolated" });
  const bytes = new ByteLevelPreTokenizer({ type: "ByteLevel", add_prefix_space: false, use_regex: false });
  const addsSpace = part["add_prefix_space"] === true;
  return (whole) => {
    const piece = addsSpace && !whole.text.startsWith(" ") ? { ...whole, text: ` ${whole.text}` } : whole;
    const pieces = words === undefined ? [piece] : words(piece);
    return pieces.map(({ text, isFirst }) => ({ text: bytes.pre_tokenize_text(text)[0] ?? "", isFirst }));
  };
}

function createSplit(part: TokenizerPart): Splitter {
  const { pattern } = part;
  const inverted = part["invert"] === true;
  if (isRecord(pattern) && typeof pattern["String"] === "string") {
    return splitBy(literal(pattern["String"]), { behavior: behaviorOf(part), inverted });
  }
  if (!isRecord(pattern) || typeof pattern["Regex"] !== "string") throw unsupportedPart("pre-tokenizer", part);
  // The library rewrites Oniguruma's syntax; what it does with the matches is not used.
  const rewritten = new SplitPreTokenizer({
    type: "Split",
    pattern: { Regex: pattern["Regex"] },
    behavior: "Isolated",
  });
  if (rewritten.pattern === null) throw unsupportedPart("pre-tokenizer", part);
  return splitBy(rewritten.pattern, { behavior: behaviorOf(part), inverted });
}

function literal(text: string): RegExp {
  return new RegExp(text.replaceAll(/[.*+?^${}()|[\]\\/]/g, String.raw`\$&`), "gu");
}
