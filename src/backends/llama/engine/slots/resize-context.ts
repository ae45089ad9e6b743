// Gives a context another number of sequences, with a folder for the states that move meanwhile.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { CarriedState, NativeContextHandle } from "../../native/context.ts";

/** @throws Error of the native library or the file system; the context is as it was then */
export async function resizeContext(
  context: NativeContextHandle,
  { sequences, carried }: { readonly sequences: number; readonly carried: readonly CarriedState[] },
): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "hearth-states-"));
  try {
    await context.resize(sequences, { carried: carried.filter(({ tokens }) => tokens.length > 0), folder });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
