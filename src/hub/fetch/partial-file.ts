// A file that is being fetched: its bytes under a name of our own, and beside it a journal that says which content they belong to and
// which of them are there. A later process goes on from the journal, whatever ended the first one.
import { mkdir, open, readFile, rename, rm, type FileHandle } from "node:fs/promises";
import { dirname } from "node:path";
import { isRecord } from "../../util/is-record.ts";
import { addRange, countBytes, type ByteRange } from "./byte-ranges.ts";

/** Which content the bytes belong to. */
export interface ContentIdentity {
  /** The server's entity tag or the digest; `null` = unknown, so that nothing is kept for another process. */
  readonly tag: string | null;
  /** `null` = unknown. */
  readonly bytes: number | null;
}

/** When the journal is written: what an interruption can cost at most. */
export interface JournalPolicy {
  readonly everyBytes: number;
  readonly everyMs: number;
  /** Monotonic milliseconds. */
  readonly now: () => number;
}

export interface PartialFileOptions {
  readonly path: string;
  readonly identity: ContentIdentity;
  readonly policy: JournalPolicy;
}

export class PartialFile {
  readonly path: string;
  readonly #identity: ContentIdentity;
  readonly #handle: FileHandle;
  readonly #policy: JournalPolicy;
  #done: readonly ByteRange[];
  #unsavedBytes = 0;
  #savedMs: number;
  /** The last journal that was begun; journals are written one after the other. */
  #saving: Promise<void> = Promise.resolve();

  private constructor(
    handle: FileHandle,
    { path, identity, policy, done }: PartialFileOptions & { readonly done: readonly ByteRange[] },
  ) {
    this.#handle = handle;
    this.path = path;
    this.#identity = identity;
    this.#policy = policy;
    this.#savedMs = policy.now();
    this.#done = done;
  }

  /** Opens what an earlier process has left of the same content, or begins anew. */
  static async open(options: PartialFileOptions): Promise<PartialFile> {
    const { path, identity } = options;
    await mkdir(dirname(path), { recursive: true });
    const kept = await readJournal(path, identity);
    const handle = await open(path, kept === undefined ? "w+" : "r+");
    try {
      const { size } = await handle.stat();
      // After a power failure the journal can be ahead of the data.
      const done = (kept ?? []).flatMap(({ start, end }) =>
        start < size ? [{ start, end: Math.min(end, size) }] : [],
      );
      // A file system that knows sparse files gives the whole length at no cost, and parallel parts then write anywhere.
      if (identity.bytes !== null && size !== identity.bytes) await handle.truncate(identity.bytes);
      return new PartialFile(handle, { ...options, done });
    } catch (error) {
      await handle.close();
      throw error;
    }
  }

  get done(): readonly ByteRange[] {
    return this.#done;
  }

  /** Writes bytes and counts them as done; the journal follows by and by. */
  async write(position: number, bytes: Uint8Array): Promise<void> {
    for (let offset = 0; offset < bytes.length;) {
      const { bytesWritten } = await this.#handle.write(bytes, offset, bytes.length - offset, position + offset);
      offset += bytesWritten;
    }
    this.#done = addRange(this.#done, { start: position, end: position + bytes.length });
    this.#unsavedBytes += bytes.length;
    const { everyBytes, everyMs, now } = this.#policy;
    if (this.#unsavedBytes >= everyBytes || now() - this.#savedMs >= everyMs) await this.save();
  }

  /** Reads into the buffer from `position`; resolves with the number of bytes. */
  async read(position: number, buffer: Uint8Array): Promise<number> {
    const { bytesRead } = await this.#handle.read(buffer, 0, buffer.length, position);
    return bytesRead;
  }

  /** Writes the journal. Only bytes that are on the disk are in it. */
  save(): Promise<void> {
    this.#unsavedBytes = 0;
    this.#savedMs = this.#policy.now();
    this.#saving = this.#saving.then(() => this.#writeJournal());
    return this.#saving;
  }

  /** Forgets all bytes. The file keeps its length, as another process may be writing the same content into it. */
  async restart(): Promise<void> {
    this.#done = [];
    await this.save();
  }

  /** Writes what the journal lacks, and closes the file. */
  async close(): Promise<void> {
    try {
      await (this.#unsavedBytes > 0 ? this.save() : this.#saving);
    } finally {
      await this.#handle.close();
    }
  }

  async #writeJournal(): Promise<void> {
    const { tag, bytes } = this.#identity;
    if (tag === null) return;
    const done = this.#done.map(({ start, end }) => [start, end]);
    await this.#handle.datasync();
    const temporary = `${journalPath(this.path)}.${process.pid}`;
    const file = await open(temporary, "w");
    try {
      await file.writeFile(`${JSON.stringify({ format: 1, tag, bytes, done })}\n`);
    } finally {
      await file.close();
    }
    await rename(temporary, journalPath(this.path));
  }
}

/** How many bytes of a content an earlier process has left. */
export async function countKeptBytes(path: string, identity: ContentIdentity): Promise<number> {
  return countBytes((await readJournal(path, identity)) ?? []);
}

/** Removes the journal of a complete file, which is to be renamed afterwards. */
export async function removeJournal(path: string): Promise<void> {
  await rm(journalPath(path), { force: true });
}

/** Removes a partial file and its journal. */
export async function removePartialFile(path: string): Promise<void> {
  await removeJournal(path);
  await rm(path, { force: true });
}

function journalPath(path: string): string {
  return `${path}.json`;
}

/** The ranges of an earlier process; `undefined` where there are none, or they are of other content. */
async function readJournal(path: string, identity: ContentIdentity): Promise<ByteRange[] | undefined> {
  if (identity.tag === null) return undefined;
  try {
    const journal: unknown = JSON.parse(await readFile(journalPath(path), "utf8"));
    if (!isRecord(journal) || journal["format"] !== 1) return undefined;
    if (journal["tag"] !== identity.tag || journal["bytes"] !== identity.bytes) return undefined;
    const ranges = (journal["done"] as [number, number][]).map(([start, end]) => ({ start, end }));
    const isSane = ranges.every(({ start, end }) => Number.isSafeInteger(start) && Number.isSafeInteger(end));
    return isSane ? ranges : undefined;
  } catch {
    // There is none, or it is broken: the bytes are worth nothing without it.
    return undefined;
  }
}
