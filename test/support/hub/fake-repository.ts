// Repositories of the fake hub: files with the digests that the real hub gives them.
import { createHash } from "node:crypto";

export interface FakeFile {
  readonly path: string;
  readonly content: Buffer;
  /** sha256 of a large file, git's sha1 of a small one. */
  readonly tag: string;
  /** Large files lie on another host, behind a signed address. */
  readonly isLarge: boolean;
}

export interface FakeRepository {
  readonly name: string;
  readonly commits: Map<string, readonly FakeFile[]>;
  /** Branches and tags. */
  readonly references: Map<string, string>;
  license: string | null;
  /** The terms must be accepted: the tokens of those who have. */
  acceptedBy: ReadonlySet<string> | null;
  /** Tokens that may see it; `null` = everybody. */
  visibleTo: ReadonlySet<string> | null;
  isDisabled: boolean;
  renamedTo: string | null;
}

/** Bytes that look random and are the same in every run. */
export function patternBytes(length: number, seed = 1): Buffer {
  const bytes = Buffer.alloc(length);
  let state = seed * 2_654_435_761 + 1;
  for (let index = 0; index < length; index++) {
    // xorshift32 (Marsaglia, "Xorshift RNGs", 2003).
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    bytes[index] = state & 0xff;
  }
  return bytes;
}

export function toFakeFile(path: string, content: Buffer | string): FakeFile {
  const bytes = Buffer.from(content);
  const isLarge = /\.(?:gguf|onnx|onnx_data|safetensors|bin|pb)$/.test(path);
  const tag = isLarge
    ? createHash("sha256").update(bytes).digest("hex")
    : createHash("sha1").update(`blob ${bytes.length}\0`).update(bytes).digest("hex");
  return { path, content: bytes, tag, isLarge };
}

export function commitOf(files: readonly FakeFile[], message: string): string {
  const hash = createHash("sha1").update(message);
  for (const { path, tag } of files) hash.update(`${path} ${tag}\n`);
  return hash.digest("hex");
}
