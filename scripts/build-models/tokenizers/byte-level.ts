// Writes bytes as visible characters as GPT-2 does; all byte-level BPE vocabularies share it.

/** The character for each byte: printable Latin-1 stands for itself, the other 68 bytes follow from U+0100. */
export const byteCharacters: readonly string[] = buildTable();

/** The 256 characters in the order of published vocabularies: `!` is id 0. */
export const byteAlphabet: readonly string[] = [
  ...byteCharacters.filter((_, byte) => isPrintable(byte)),
  ...byteCharacters.filter((_, byte) => !isPrintable(byte)),
];

/** A text as the characters of its UTF-8 bytes. */
export function toByteLevel(text: string): string {
  return Array.from(new TextEncoder().encode(text), (byte) => byteCharacters[byte]!).join("");
}

function isPrintable(byte: number): boolean {
  return (byte >= 0x21 && byte <= 0x7e) || (byte >= 0xa1 && byte <= 0xac) || byte >= 0xae;
}

function buildTable(): string[] {
  let spare = 0x100;
  return Array.from({ length: 256 }, (_, byte) => String.fromCharCode(isPrintable(byte) ? byte : spare++));
}
