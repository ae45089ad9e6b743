// Which tokens break UTF-8, by all beginnings of code points that tokens can leave.
import { describe, expect, it } from "vitest";
import { Utf8Guard } from "../../../../../src/backends/llama/tokens/utf8-guard.ts";
import type { Vocabulary } from "../../../../../src/backends/llama/tokens/vocabulary.ts";

const decoder = new TextDecoder("utf-8", { fatal: true });
const end = 256;

/** A token for every byte, an end token, and the tokens of `more`. */
function guardOf(more: readonly (readonly number[])[] = []): Promise<Utf8Guard> {
  const all = [...Array.from({ length: 256 }, (_, byte) => [byte]), [0x3c, 0x65, 0x3e], ...more];
  const text = (bytes: readonly number[]): string | undefined => {
    try {
      return decoder.decode(Uint8Array.from(bytes));
    } catch {
      return undefined;
    }
  };
  const vocabulary: Pick<Vocabulary, "size" | "bytes" | "piece" | "specialTokens" | "isEndOfGeneration"> = {
    size: all.length,
    bytes: (token) => Uint8Array.from(all[token] ?? []),
    piece: (token) => ({
      bytes: Uint8Array.from(all[token] ?? []),
      text: text(all[token] ?? []),
      isControl: token === end,
    }),
    specialTokens: () => [{ id: end, text: "<e>", isControl: true, stripsLeft: false, stripsRight: false }],
    isEndOfGeneration: (token) => token === end,
  };
  const guard = new Utf8Guard(vocabulary as Vocabulary);
  return guard.prepare().then(() => guard);
}

/** Bytes of tokens, from the start of a code point on. */
function stateAfter(guard: Utf8Guard, tokens: readonly number[]): number {
  return tokens.reduce((state, token) => guard.after(state, token), 0);
}

describe("Utf8Guard", () => {
  it("bans bytes that are in no text, and tokens that are broken in themselves", async () => {
    const guard = await guardOf([
      [0xc3, 0xa9],
      [0xe0, 0x80, 0x80],
      [0x61, 0xed, 0xa0],
      [0xf0, 0x9f],
      [0x97, 0xf0, 0x86],
    ]);
    const never = [0xc0, 0xc1, ...Array.from({ length: 11 }, (_, index) => 0xf5 + index), 258, 259, 261];
    expect(guard.bannedIn(0)).toEqual(never);
  });

  it("bans what would make a code point overlong, half a surrogate pair or too large", async () => {
    const guard = await guardOf([[0x9f, 0x98, 0x80]]);
    for (const [lead, low, high] of [
      [0xe0, 0xa0, 0xbf],
      [0xed, 0x80, 0x9f],
      [0xf0, 0x90, 0xbf],
      [0xf4, 0x80, 0x8f],
      [0xe1, 0x80, 0xbf],
      [0xf1, 0x80, 0xbf],
      [0xc3, 0x80, 0xbf],
    ] as const) {
      const banned = new Set(guard.bannedIn(stateAfter(guard, [lead])));
      for (let byte = 0x80; byte <= 0xbf; byte += 1) {
        expect(banned.has(byte), `${lead.toString(16)} ${byte.toString(16)}`).toBe(byte < low || byte > high);
      }
    }
    expect(guard.bannedIn(stateAfter(guard, [0xf0]))).not.toContain(257);
    expect(guard.bannedIn(stateAfter(guard, [0xe0]))).toContain(257);
  });

  it("bans the end inside a code point only", async () => {
    const guard = await guardOf();
    expect(guard.bannedIn(stateAfter(guard, [0xe2, 0x82]))).toContain(end);
    expect(guard.bannedIn(stateAfter(guard, [0xe2, 0x82, 0xac]))).not.toContain(end);
    expect(stateAfter(guard, [0x61, 0xf0, 0x9f, 0x98, 0x80])).toBe(0);
  });

  it("allows exactly the continuations of well-formed text", async () => {
    const guard = await guardOf();
    /** Prefixes of two bytes that some text has. */
    const isPrefix = (bytes: readonly number[]): boolean => {
      for (let missing = 0; missing <= 3; missing += 1) {
        for (const fill of [0x80, 0xbf]) {
          try {
            decoder.decode(Uint8Array.from([...bytes, ...Array.from({ length: missing }, () => fill)]));
            return true;
          } catch {
            // Another ending may do.
          }
        }
      }
      return false;
    };
    for (let first = 0; first < 256; first += 1) {
      const isFirst = !guard.bannedIn(0).includes(first) && !(first >= 0x80 && first <= 0xbf);
      expect(isPrefix([first]), first.toString(16)).toBe(isFirst);
      if (!isFirst || first < 0x80) continue;
      const banned = guard.bannedIn(stateAfter(guard, [first]));
      for (let second = 0x80; second <= 0xbf; second += 1) {
        expect(isPrefix([first, second]), `${first.toString(16)} ${second.toString(16)}`).toBe(
          !banned.includes(second),
        );
      }
    }
  });
});
