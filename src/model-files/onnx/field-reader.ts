// Reads protobuf messages from a file, 64 KiB at a time, without the fields that nobody asks for: the tensors of a graph are passed over,
// whatever their size.
import { closeSync, fstatSync, openSync, readSync } from "node:fs";
import { ServerError } from "../../domain/errors.ts";

const windowBytes = 64 * 1024;
const longestNameBytes = 4096;

export function withFile<T>(path: string, use: (file: number, size: number) => T): T {
  const file = openSync(path, "r");
  try {
    return use(file, fstatSync(file).size);
  } finally {
    closeSync(file);
  }
}

/** What to throw for an error of reading: other errors than those of the bytes stay as they are. */
export function notAGraph(error: unknown, path: string): unknown {
  if (!(error instanceof RangeError)) return error;
  return new ServerError("model_load_failed", `${path} is not an ONNX graph: ${error.message}.`, { cause: error });
}

/** Positions in the file of a message or of a field. */
export interface Range {
  readonly start: number;
  readonly end: number;
}

/** @throws RangeError where the bytes are no message */
export class FieldReader {
  readonly #file: number;
  readonly #window = Buffer.alloc(windowBytes);
  #windowStart = 0;
  #windowEnd = 0;

  constructor(file: number) {
    this.#file = file;
  }

  /** The length-delimited fields with the number `wanted`. */
  *fields({ start, end }: Range, wanted: number): Generator<Range, void, undefined> {
    let position = start;
    while (position < end) {
      const key = this.#varint(position);
      position = key.next;
      switch (key.value & 7) {
        case 0:
          position = this.#varint(position).next;
          break;
        case 1:
          position += 8;
          break;
        case 2: {
          const length = this.#varint(position);
          position = length.next + length.value;
          if (position > end) throw new RangeError("it is cut off");
          if (Math.floor(key.value / 8) === wanted) yield { start: length.next, end: position };
          break;
        }
        case 5:
          position += 4;
          break;
        default:
          throw new RangeError("its fields cannot be read");
      }
    }
  }

  /** The number fields with the number `wanted`; what is below 2^53 is exact. */
  *numbers({ start, end }: Range, wanted: number): Generator<number, void, undefined> {
    let position = start;
    while (position < end) {
      const key = this.#varint(position);
      const value = this.#varint(key.next);
      switch (key.value & 7) {
        case 0:
          position = value.next;
          if (Math.floor(key.value / 8) === wanted) yield value.value;
          break;
        case 2:
          position = value.next + value.value;
          break;
        default:
          throw new RangeError("its fields cannot be read");
      }
    }
  }

  text({ start, end }: Range): string {
    if (end - start > longestNameBytes) throw new RangeError("a name in it is too long");
    const buffer = Buffer.alloc(end - start);
    readSync(this.#file, buffer, 0, buffer.length, start);
    return buffer.toString("utf8");
  }

  #varint(start: number): { readonly value: number; readonly next: number } {
    let value = 0;
    for (let i = 0; i < 10; i++) {
      const byte = this.#byte(start + i);
      // Multiplied, as a bitwise shift would overflow: lengths pass 2^31.
      value += (byte & 0x7f) * 2 ** (7 * i);
      if (byte < 0x80) return { value, next: start + i + 1 };
    }
    throw new RangeError("a number in it has no end");
  }

  #byte(position: number): number {
    if (position < this.#windowStart || position >= this.#windowEnd) {
      const read = readSync(this.#file, this.#window, 0, windowBytes, position);
      if (read === 0) throw new RangeError("it ends inside a number");
      this.#windowStart = position;
      this.#windowEnd = position + read;
    }
    return this.#window[position - this.#windowStart]!;
  }
}
