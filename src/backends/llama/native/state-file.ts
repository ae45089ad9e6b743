// Makes the file of a sequence's state fit a context with another number of sequences. llama.cpp writes into it how many sequences the
// context has, each with its own stream of cells, and refuses a file with another number, although only one of them has cells in it.
//
// The layout (`llama_state_seq_save_file`, `llama_kv_cache::state_write`), in little-endian words of 32 bits: "ggsq", version, number
// of tokens, the tokens, number of streams, then for each stream its number of cells and, unless that is zero, the cells. Models that
// have several caches write one such list for each: their files do not fit any other context, and llama.cpp refuses what is made here.
import { createReadStream, createWriteStream } from "node:fs";
import { open } from "node:fs/promises";
import { pipeline } from "node:stream/promises";

const word = Uint32Array.BYTES_PER_ELEMENT;

/** Where in a file what is to be found. */
interface Layout {
  /** Bytes before the number of streams. */
  readonly headBytes: number;
  readonly streams: number;
  /** The first byte of the stream that has cells, and the first one behind it. */
  readonly begin: number;
  readonly end: number;
}

/**
 * Returns the path of a file for a context of `streams` sequences: `path` itself where it fits, else `target`, which is written.
 * @throws Error of the file system, or where the file is too short
 */
export async function fitStateFile(
  path: string,
  { streams, target }: { readonly streams: number; readonly target: string },
): Promise<string> {
  const layout = await readLayout(path);
  if (layout.streams === streams) return path;
  const written = createWriteStream(target, { mode: 0o600 });
  await pipeline(async function* () {
    if (layout.headBytes > 0) yield* createReadStream(path, { end: layout.headBytes - 1 });
    yield words([streams]);
    if (layout.end > layout.begin) yield* createReadStream(path, { start: layout.begin, end: layout.end - 1 });
    yield words(Array.from({ length: streams - 1 }, () => 0));
  }, written);
  return target;
}

async function readLayout(path: string): Promise<Layout> {
  const file = await open(path);
  try {
    const read = async (position: number, count: number): Promise<Uint32Array> => {
      const values = new Uint32Array(count);
      const { bytesRead } = await file.read(values, 0, values.byteLength, position);
      if (bytesRead < values.byteLength) throw new Error(`${path} ends too early`);
      return values;
    };
    const [, , tokens = 0] = await read(0, 3);
    const headBytes = (3 + tokens) * word;
    const [streams = 0] = await read(headBytes, 1);
    const { size } = await file.stat();
    // A broken file may tell any number.
    if (headBytes + (1 + streams) * word > size) throw new Error(`${path} is not the state of a sequence`);
    const cells = await read(headBytes + word, streams);
    const first = cells.findIndex((count) => count > 0);
    const empty = first === -1 ? streams : first;
    const begin = headBytes + (1 + empty) * word;
    return { headBytes, streams, begin, end: Math.max(begin, size - (streams - 1 - empty) * word) };
  } finally {
    await file.close();
  }
}

function words(values: readonly number[]): Uint8Array {
  return new Uint8Array(Uint32Array.from(values).buffer);
}
