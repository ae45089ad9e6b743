// Joins the bytes of tokens into text: a token may end in the middle of a code point, and half of one must never be passed on.

const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

const none = new Uint8Array(0);

/**
 * Takes bytes and returns whole code points. At most three bytes are held back; bytes that can be no UTF-8 become U+FFFD at once,
 * and so does an unfinished code point at the end.
 */
export class Utf8Assembler {
  /** The beginning of a code point whose rest has not come yet; 0 to 3 bytes. */
  #held: Uint8Array = none;

  /** True when no bytes are held back: text may then be appended as it is. */
  get isWhole(): boolean {
    return this.#held.length === 0;
  }

  push(bytes: Uint8Array): string {
    const joined = this.#held.length === 0 ? bytes : concatenate(this.#held, bytes);
    const heldLength = unfinishedLength(joined);
    const wholeLength = joined.length - heldLength;
    this.#held = heldLength === 0 ? none : joined.slice(wholeLength);
    if (wholeLength === 0) return "";
    return decoder.decode(heldLength === 0 ? joined : joined.subarray(0, wholeLength));
  }

  /** Returns the bytes still held back as U+FFFD; afterwards the assembler is empty. */
  flush(): string {
    if (this.#held.length === 0) return "";
    const text = decoder.decode(this.#held);
    this.#held = none;
    return text;
  }
}

/**
 * Length of the code point that begins at the end of `bytes` and may yet be completed, 0 to 3.
 * The narrower ranges of the second byte (RFC 3629, section 4) matter: `E0 80` is already broken and waits for nothing.
 */
function unfinishedLength(bytes: Uint8Array): number {
  const length = bytes.length;
  for (let back = 1; back <= Math.min(3, length); back += 1) {
    const lead = bytes[length - back] as number;
    if (lead < 0x80) return 0;
    if (lead < 0xc0) continue;
    const needed = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
    if (lead < 0xc2 || lead > 0xf4 || needed <= back) return 0;
    return back === 1 || isSecondByte(lead, bytes[length - back + 1] as number) ? back : 0;
  }
  return 0;
}

function isSecondByte(lead: number, byte: number): boolean {
  if (lead === 0xe0) return byte >= 0xa0 && byte <= 0xbf;
  if (lead === 0xed) return byte >= 0x80 && byte <= 0x9f;
  if (lead === 0xf0) return byte >= 0x90 && byte <= 0xbf;
  if (lead === 0xf4) return byte >= 0x80 && byte <= 0x8f;
  return byte >= 0x80 && byte <= 0xbf;
}

function concatenate(first: Uint8Array, second: Uint8Array): Uint8Array {
  const joined = new Uint8Array(first.length + second.length);
  joined.set(first);
  joined.set(second, first.length);
  return joined;
}
