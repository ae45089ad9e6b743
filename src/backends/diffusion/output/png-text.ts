// Adds a text chunk to a PNG file (PNG specification, third edition, 11.3.3). sharp writes no text chunks, and a chunk is four fields, of
// which Node computes the checksum.
import { crc32 } from "node:zlib";

const signatureBytes = 8;
/** Length, type and checksum around a chunk's data. */
const frameBytes = 12;
const ascii = /^[\n\u0020-\u007e]*$/;

/**
 * The PNG with a text chunk right after its header. ASCII becomes `tEXt`, any other text `iTXt`: `tEXt` may hold Latin-1, but common
 * readers take it for UTF-8.
 * @param png a whole PNG file
 * @throws RangeError where it is none
 */
export function withPngText(
  png: Uint8Array,
  { keyword, text }: { readonly keyword: string; readonly text: string },
): Buffer {
  const source = Buffer.from(png.buffer, png.byteOffset, png.byteLength);
  if (source.toString("latin1", 1, 4) !== "PNG" || source.toString("latin1", 12, 16) !== "IHDR") {
    throw new RangeError("not a PNG file");
  }
  const headerEnd = signatureBytes + frameBytes + source.readUInt32BE(signatureBytes);
  const chunk = ascii.test(text)
    ? pngChunk("tEXt", [Buffer.from(`${keyword}\0${text}`, "latin1")])
    : // Not compressed, no language, no translated keyword.
      pngChunk("iTXt", [Buffer.from(`${keyword}\0\0\0\0\0`, "latin1"), Buffer.from(text, "utf8")]);
  return Buffer.concat([source.subarray(0, headerEnd), chunk, source.subarray(headerEnd)]);
}

function pngChunk(type: "tEXt" | "iTXt", data: readonly Buffer[]): Buffer {
  const body = Buffer.concat([Buffer.from(type, "latin1"), ...data]);
  const frame = Buffer.alloc(body.length + 8);
  frame.writeUInt32BE(body.length - 4, 0);
  body.copy(frame, 4);
  frame.writeUInt32BE(crc32(body), body.length + 4);
  return frame;
}
