// Sources of bytes that are produced on demand and whose length is known before. Model files of several gigabytes are written from them
// without being in memory, and protobuf needs every length before its bytes.

import { closeSync, openSync, writeSync } from "node:fs";

/** Bytes that can be produced any number of times; `byteLength` is the exact sum over `chunks()`. */
export interface ByteSource {
  readonly byteLength: number;
  chunks(): Iterable<Uint8Array>;
}

const writeBufferBytes = 1 << 20;

/** A source over bytes already in memory. */
export function bytesOf(bytes: Uint8Array): ByteSource {
  return { byteLength: bytes.byteLength, chunks: () => [bytes] };
}

/** The UTF-8 bytes of a string. */
export function textBytes(text: string): ByteSource {
  return bytesOf(new TextEncoder().encode(text));
}

/** `byteLength` zero bytes. */
export function zeroBytes(byteLength: number): ByteSource {
  return bytesOf(new Uint8Array(byteLength));
}

/** The sources one after another. */
export function concatSources(sources: readonly ByteSource[]): ByteSource {
  return {
    byteLength: sources.reduce((sum, source) => sum + source.byteLength, 0),
    *chunks() {
      for (const source of sources) yield* source.chunks();
    },
  };
}

/** All bytes of a source in one array. */
export function readSource(source: ByteSource): Uint8Array {
  const bytes = new Uint8Array(source.byteLength);
  let offset = 0;
  for (const chunk of source.chunks()) {
    bytes.set(chunk, offset);
    offset += chunk.byteLength;
  }
  if (offset !== source.byteLength) throw new Error(`a source promised ${source.byteLength} bytes and gave ${offset}`);
  return bytes;
}

/** Writes a source to a file. Small chunks are collected first, as a graph is thousands of fields of a few bytes. */
export function writeSource(path: string, source: ByteSource): void {
  const file = openSync(path, "w");
  const buffer = new Uint8Array(writeBufferBytes);
  let filled = 0;
  let total = 0;
  const flush = (): void => {
    writeFully(file, buffer.subarray(0, filled));
    filled = 0;
  };
  try {
    for (const chunk of source.chunks()) {
      total += chunk.byteLength;
      if (filled + chunk.byteLength > buffer.byteLength) flush();
      if (chunk.byteLength > buffer.byteLength) {
        writeFully(file, chunk);
      } else {
        buffer.set(chunk, filled);
        filled += chunk.byteLength;
      }
    }
    flush();
  } finally {
    closeSync(file);
  }
  if (total !== source.byteLength) throw new Error(`${path}: promised ${source.byteLength} bytes and gave ${total}`);
}

function writeFully(file: number, bytes: Uint8Array): void {
  let offset = 0;
  while (offset < bytes.byteLength) offset += writeSync(file, bytes, offset, bytes.byteLength - offset);
}
