// Reads tensors from a .safetensors file: a JSON head with types, shapes and places, and the tensors' bytes behind it.
import { closeSync, fstatSync, openSync, readSync } from "node:fs";
import { ServerError } from "../domain/errors.ts";
import { isRecord } from "../util/is-record.ts";

export interface StoredTensor {
  /** Such as `F32`, `F16` and `BF16`. */
  readonly type: string;
  readonly shape: readonly number[];
  /** First byte in the file, and the one after the last. */
  readonly start: number;
  readonly end: number;
}

/** The format's own limit. */
const longestHeadBytes = 100_000_000;

/** Tensors by name. @throws ServerError `model_load_failed` where the file is none or is cut off */
export function readSafetensorsHead(path: string): ReadonlyMap<string, StoredTensor> {
  const file = openSync(path, "r");
  try {
    const { size } = fstatSync(file);
    const length = Buffer.alloc(8);
    readSync(file, length, 0, 8, 0);
    const headBytes = Number(length.readBigUInt64LE());
    if (size < 8 || headBytes > longestHeadBytes || 8 + headBytes > size) throw new RangeError("its head is cut off");
    const head = Buffer.alloc(headBytes);
    readSync(file, head, 0, headBytes, 8);
    return readTensors(JSON.parse(head.toString("utf8")), { base: 8 + headBytes, size });
  } catch (error) {
    if (!(error instanceof RangeError) && !(error instanceof SyntaxError)) throw error;
    throw new ServerError("model_load_failed", `${path} is not a safetensors file: ${error.message}.`, {
      cause: error,
    });
  } finally {
    closeSync(file);
  }
}

export function readTensorBytes(path: string, { start, end }: StoredTensor): Uint8Array {
  const file = openSync(path, "r");
  try {
    // A buffer of its own, so that views of wider types begin at a place that fits them.
    const bytes = new Uint8Array(new ArrayBuffer(end - start));
    for (let done = 0; done < bytes.length;) {
      const read = readSync(file, bytes, done, bytes.length - done, start + done);
      if (read === 0) throw new ServerError("model_load_failed", `${path} is cut off.`);
      done += read;
    }
    return bytes;
  } finally {
    closeSync(file);
  }
}

function readTensors(
  head: unknown,
  { base, size }: { readonly base: number; readonly size: number },
): Map<string, StoredTensor> {
  if (!isRecord(head)) throw new RangeError("its head is no object");
  const tensors = new Map<string, StoredTensor>();
  for (const [name, entry] of Object.entries(head)) {
    if (name === "__metadata__" || !isRecord(entry)) continue;
    const { dtype: type, shape, data_offsets: offsets } = entry;
    if (typeof type !== "string" || !isNumbers(shape) || !isNumbers(offsets) || offsets.length !== 2) {
      throw new RangeError(`its head says nothing that can be read of '${name}'`);
    }
    const [start, end] = [base + offsets[0]!, base + offsets[1]!];
    if (start > end || end > size) throw new RangeError(`it ends inside '${name}'`);
    tensors.set(name, { type, shape, start, end });
  }
  return tensors;
}

function isNumbers(value: unknown): value is number[] {
  return Array.isArray(value) && value.every((entry) => Number.isSafeInteger(entry) && entry >= 0);
}
