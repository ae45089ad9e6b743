// Fetches one content into a partial file and proves that it is what was promised.
import { HubFailure } from "../failures.ts";
import { countBytes } from "./byte-ranges.ts";
import { FileHash, type Digest } from "./file-hash.ts";
import { PartialFile, removePartialFile, type JournalPolicy } from "./partial-file.ts";
import { transfer, type ContentSource, type TransferTools } from "./transfer.ts";

export interface FetchOptions {
  /** Where the bytes lie until they are complete. */
  readonly partialPath: string;
  /** The server's entity tag: what a later process must find again to go on. `null` = it begins anew. */
  readonly tag: string | null;
  /** What the content must be; `null` = unknown, and only its length is checked. */
  readonly digest: Digest | null;
  readonly tools: TransferTools;
  readonly journal: JournalPolicy;
  /** Told how many bytes an earlier process has left, before anything is fetched. */
  readonly onKept: (bytes: number) => void;
  /** Told that the content was wrong and is fetched once more from its start. */
  readonly onRestart: () => void;
}

export interface FetchedFile {
  readonly bytes: number;
  /** The digest that was found, by the algorithm of the one that was expected; sha256 where none was. */
  readonly digest: Digest;
}

/**
 * Completes the partial file. A wrong digest has two chances: bytes of an earlier process can have been lost with the power, and a
 * connection can have broken them. The partial file is removed when the second is wrong too, and kept after any other failure.
 * @throws HubFailure
 */
export async function fetchFile(source: ContentSource, options: FetchOptions): Promise<FetchedFile> {
  const first = await tryOnce(source, options);
  if (isRight(first, options.digest)) return first;
  options.tools.onBytes(-first.bytes);
  options.onRestart();
  await removePartialFile(options.partialPath);
  const second = await tryOnce(source, options);
  if (isRight(second, options.digest)) return second;
  await removePartialFile(options.partialPath);
  throw new HubFailure("checksum", {
    message:
      `${source.name} arrived twice with wrong content: its ${second.digest.algorithm} is ${second.digest.hex}, and not ` +
      `${options.digest?.hex}.`,
    remedy: "Something on the way changes it, such as a proxy or a broken mirror (HTTPS_PROXY, HF_ENDPOINT).",
  });
}

function isRight({ digest }: FetchedFile, expected: Digest | null): boolean {
  return expected === null || digest.hex === expected.hex;
}

async function tryOnce(
  source: ContentSource,
  { partialPath, tag, digest, tools, journal, onKept }: FetchOptions,
): Promise<FetchedFile> {
  const { bytes } = source;
  const algorithm = digest?.algorithm ?? "sha256";
  const partial = await PartialFile.open({ path: partialPath, identity: { tag, bytes }, policy: journal });
  try {
    onKept(countBytes(partial.done));
    const hash = new FileHash(partial, { algorithm, bytes });
    const size = await transfer(source, { partial, hash, tools });
    return { bytes: size, digest: { algorithm, hex: await hash.finish(size) } };
  } finally {
    await partial.close();
  }
}
