// Writes zip files whose entries are stored, not compressed, as wheels with weights in them often are. (PKWARE's APPNOTE, sections 4.3.7,
// 4.3.12 and 4.3.16.)
import { createHash } from "node:crypto";
import { crc32 } from "node:zlib";

export function zipBytes(files: Readonly<Record<string, Buffer | string>>): Buffer {
  const bodies: Buffer[] = [];
  const directory: Buffer[] = [];
  let offset = 0;
  for (const [name, content] of Object.entries(files)) {
    const data = Buffer.from(content);
    const path = Buffer.from(name);
    const facts = numbers(
      [2, 20],
      [2, 0],
      [2, 0],
      [2, 0],
      [2, 0x21],
      [4, crc32(data)],
      [4, data.length],
      [4, data.length],
      [2, path.length],
      [2, 0],
    );
    const local = Buffer.concat([numbers([4, 0x04034b50]), facts, path, data]);
    directory.push(
      Buffer.concat([
        numbers([4, 0x02014b50], [2, 20]),
        facts,
        numbers([2, 0], [2, 0], [2, 0], [4, 0], [4, offset]),
        path,
      ]),
    );
    bodies.push(local);
    offset += local.length;
  }
  const size = directory.reduce((sum, { length }) => sum + length, 0);
  const count = directory.length;
  const end = numbers([4, 0x06054b50], [2, 0], [2, 0], [2, count], [2, count], [4, size], [4, offset], [2, 0]);
  return Buffer.concat([...bodies, ...directory, end]);
}

/** A wheel with these files, and the list of their digests. */
export function wheelBytes(
  files: Readonly<Record<string, Buffer | string>>,
  { name, version }: { name: string; version: string },
): Buffer {
  const folder = `${name}-${version}.dist-info`;
  const metadata = `Metadata-Version: 2.1\nName: ${name}\nVersion: ${version}\nLicense: MIT\n\nText: License: none\n`;
  const all = {
    ...files,
    [`${folder}/METADATA`]: metadata,
    [`${folder}/WHEEL`]: "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
  };
  const record = Object.entries(all).map(([path, content]) => {
    const data = Buffer.from(content);
    return `${path},sha256=${createHash("sha256").update(data).digest("base64url")},${data.length}`;
  });
  return zipBytes({ ...all, [`${folder}/RECORD`]: [...record, `${folder}/RECORD,,`].join("\n") });
}

function numbers(...fields: readonly (readonly [bytes: 2 | 4, value: number])[]): Buffer {
  return Buffer.concat(
    fields.map(([bytes, value]) => {
      const field = Buffer.alloc(bytes);
      if (bytes === 2) field.writeUInt16LE(value);
      else field.writeUInt32LE(value);
      return field;
    }),
  );
}
