// Computes a file's digest while it is fetched. Parts arrive in any order, and a resumed file has a beginning that this process never
// received, so the bytes are read back from the file in order as far as they are there without a gap; they are still in the page cache.
import { createHash, type Hash } from "node:crypto";

export interface Digest {
  /** `git-sha1`: git's identity of a file, SHA-1 over `blob SIZE\0` and the content. */
  readonly algorithm: "sha256" | "git-sha1";
  /** In lower case. */
  readonly hex: string;
}

export interface HashedSource {
  /** Reads into the buffer from a position; resolves with the number of bytes. */
  read(position: number, buffer: Uint8Array): Promise<number>;
}

export interface HashedContent {
  readonly algorithm: Digest["algorithm"];
  /** `null` = unknown, which `git-sha1` does not allow. */
  readonly bytes: number | null;
}

const chunkBytes = 2 ** 20;

export class FileHash {
  readonly #source: HashedSource;
  readonly #content: HashedContent;
  #hash: Hash;
  readonly #buffer = Buffer.alloc(chunkBytes);
  #position = 0;
  #readableEnd = 0;
  #running: Promise<void> | undefined;

  constructor(source: HashedSource, content: HashedContent) {
    this.#source = source;
    this.#content = content;
    this.#hash = beginHash(content);
  }

  /** Says that the file's first `end` bytes are there. Hashing goes on beside the transfer. */
  advance(end: number): void {
    this.#readableEnd = Math.max(this.#readableEnd, end);
    if (this.#running !== undefined || this.#position >= this.#readableEnd) return;
    this.#running = this.#run().finally(() => (this.#running = undefined));
    // A failure is told by `finish`.
    this.#running.catch(() => {});
  }

  /** Forgets what has been hashed: the content is written again from its start. */
  async restart(): Promise<void> {
    this.#readableEnd = 0;
    await this.#running?.catch(() => {});
    this.#position = 0;
    this.#hash = beginHash(this.#content);
  }

  /** The digest of the first `end` bytes, which are all there. The hash is used up. */
  async finish(end: number): Promise<string> {
    this.#readableEnd = Math.max(this.#readableEnd, end);
    await this.#running?.catch(() => {});
    await this.#run();
    return this.#hash.digest("hex");
  }

  async #run(): Promise<void> {
    while (this.#position < this.#readableEnd) {
      const wanted = Math.min(chunkBytes, this.#readableEnd - this.#position);
      const read = await this.#source.read(this.#position, this.#buffer.subarray(0, wanted));
      if (read === 0) throw new Error("A file has become shorter while it was fetched.");
      this.#hash.update(this.#buffer.subarray(0, read));
      this.#position += read;
    }
  }
}

function beginHash({ algorithm, bytes }: HashedContent): Hash {
  return algorithm === "sha256" ? createHash("sha256") : createHash("sha1").update(`blob ${bytes ?? 0}\0`);
}
