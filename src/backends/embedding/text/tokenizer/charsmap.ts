// SentencePiece's table of characters, which its models carry as `precompiled_charsmap`: a double-array trie (Darts) over UTF-8 whose
// values are places in a list of replacements. Read as Hugging Face's spm_precompiled reads it: clusters of fewer than six bytes are
// looked up whole, and the first entry that is a beginning of what is looked up replaces all of it; characters come next. So half-width
// kana with a voicing mark and Hangul in single letters, which are six bytes and more, are not composed.
import { ServerError } from "../../../../domain/errors.ts";

const longestClusterBytes = 5;
const clusters = new Intl.Segmenter("en", { granularity: "grapheme" });
/**
 * Stretches in which every character is a cluster, which need no search for clusters. The characters at their ends may belong to one with
 * what is beside them.
 */
const singleCharacters = /[^\r\u0080-\uffff]+(?=$|[^\r\u0080-\uffff])/g;
const encoder = new TextEncoder();

/** @throws ServerError `model_load_failed` where `encoded` is no such table */
export function createCharsmap(encoded: unknown): (text: string) => string {
  const bytes = typeof encoded === "string" ? Buffer.from(encoded, "base64") : Buffer.alloc(0);
  const trieBytes = bytes.length < 4 ? 0 : bytes.readUInt32LE(0);
  if (trieBytes === 0 || trieBytes % 4 !== 0 || 4 + trieBytes > bytes.length) {
    throw new ServerError("model_load_failed", "The tokenizer.json has a 'precompiled_charsmap' that cannot be read.");
  }
  const units = new Uint32Array(trieBytes / 4);
  for (let index = 0; index < units.length; index++) units[index] = bytes.readUInt32LE(4 + 4 * index);
  const replacements = bytes.subarray(4 + trieBytes);
  /** What was looked up before; a text has few different characters. */
  const known = new Map<string, string | undefined>();

  const replacementOf = (piece: string): string | undefined => {
    const found = known.get(piece);
    if (found !== undefined || known.has(piece)) return found;
    const place = firstPrefix(units, encoder.encode(piece));
    const replacement = place === undefined ? undefined : textAt(replacements, place);
    known.set(piece, replacement);
    return replacement;
  };
  const byCharacter = (text: string): string => {
    let result = "";
    for (const character of text) result += replacementOf(character) ?? character;
    return result;
  };
  const byCluster = (text: string): string => {
    let result = "";
    for (const { segment } of clusters.segment(text)) {
      const whole = Buffer.byteLength(segment) <= longestClusterBytes ? replacementOf(segment) : undefined;
      result += whole ?? byCharacter(segment);
    }
    return result;
  };
  return (text) => {
    let result = "";
    let done = 0;
    for (const { 0: stretch, index } of text.matchAll(singleCharacters)) {
      const start = index === 0 ? 0 : index + 1;
      const end = index + stretch.length;
      if (start >= end) continue;
      result += byCluster(text.slice(done, start)) + byCharacter(text.slice(start, end));
      done = end;
    }
    return result + byCluster(text.slice(done));
  };
}

/** The value of the shortest entry that is a beginning of `key`. */
function firstPrefix(units: Uint32Array, key: Uint8Array): number | undefined {
  let position = offsetOf(units[0]!);
  for (const byte of key) {
    // The original takes NUL for the end of the text.
    if (byte === 0) return undefined;
    position ^= byte;
    const unit = units[position];
    if (unit === undefined || (unit & 0x8000_00ff) !== byte) return undefined;
    position ^= offsetOf(unit);
    // Bit 8 says that an entry ends here; its value is in the first unit of the next row.
    if ((unit & 0x100) !== 0) return units[position]! & 0x7fff_ffff;
  }
  return undefined;
}

/** Where the row of a unit's children begins. Bit 9 says that the number is in steps of 256. */
function offsetOf(unit: number): number {
  return (unit >>> 10) << ((unit & 0x200) >>> 6);
}

function textAt(replacements: Buffer, place: number): string {
  const end = replacements.indexOf(0, place);
  return replacements.toString("utf8", place, end < 0 ? replacements.length : end);
}
