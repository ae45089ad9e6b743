import sharp from "sharp";
import { describe, expect, it } from "vitest";
import { withPngText } from "../../../../../src/backends/diffusion/output/png-text.ts";

const png = sharp({ create: { width: 3, height: 2, channels: 3, background: "#204060" } })
  .png()
  .toBuffer();

describe("withPngText", () => {
  it.each([
    ["ASCII as tEXt", "a house, 10 C\nSteps: 4", "tEXt"],
    ["Latin-1 as iTXt", "naïve house, 10 °C\nSteps: 4", "iTXt"],
    ["anything else as iTXt", "ein Haus – 海辺の家 🏠", "iTXt"],
  ])("writes %s, which a reader gives back", async (_name, text, chunk) => {
    const file = withPngText(await png, { keyword: "parameters", text });
    expect(file.toString("latin1", 37, 41)).toBe(chunk);
    const { comments, width } = await sharp(file).metadata();
    expect(comments).toEqual([{ keyword: "parameters", text }]);
    expect(width).toBe(3);
  });

  it("has the checksum of the specification", async () => {
    const file = withPngText(await png, { keyword: "a", text: "b" });
    expect(file.readUInt32BE(33)).toBe(3);
    expect(file.readUInt32BE(33 + 8 + 3)).toBe(referenceCrc(file.subarray(37, 44)));
  });

  it("leaves the pixels as they are", async () => {
    const before = await sharp(await png)
      .raw()
      .toBuffer();
    const after = await sharp(withPngText(await png, { keyword: "parameters", text: "x" }))
      .raw()
      .toBuffer();
    expect(after).toEqual(before);
  });

  it("refuses what is no PNG", () => {
    expect(() =>
      withPngText(Buffer.from("GIF89a, which is longer than a header"), { keyword: "a", text: "b" }),
    ).toThrow(RangeError);
  });
});

/** ISO 3309, bit by bit, as annex D of the specification describes it. */
function referenceCrc(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0xedb88320 : crc >>> 1;
  }
  return (crc ^ 0xffffffff) >>> 0;
}
