// The files of stored prefixes. Each has a folder per model and, below it, one per everything that a state depends on; a prefix is a
// state as llama.cpp writes it (`NAME.state`) and a head that says what it is (`NAME.json`). A head is renamed into its place after its
// state, so that one without the other is what a process left that was killed. Several processes may use a folder at once: names never
// meet, and a file that another process has removed is a prefix that has to be evaluated.
import { randomUUID } from "node:crypto";
import { createReadStream } from "node:fs";
import { mkdir, readdir, readFile, rename, rm, stat, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { crc32 } from "node:zlib";
import type { HeldTokens } from "../plan/prompt-shape.ts";

/** A prefix on the disk. */
export interface PrefixFile extends HeldTokens {
  /** Path without extension. */
  readonly path: string;
  readonly bytes: number;
}

/** What a head has beside the file's own name. */
interface Head extends HeldTokens {
  readonly version: typeof headVersion;
  readonly bytes: number;
  readonly checksum: number;
}

const headVersion = 1;

/** Age from which a state without a head, or the folder of other settings, is taken for abandoned. */
const abandonedMs = 24 * 60 * 60 * 1000;
const unusedMs = 30 * abandonedMs;

export function statePath({ path }: Pick<PrefixFile, "path">): string {
  return `${path}.state`;
}

function headPath({ path }: Pick<PrefixFile, "path">): string {
  return `${path}.json`;
}

/** A path for a new prefix in `folder`, which is made where it is missing. Only its owner may read what was asked of a model. */
export async function newPrefixPath(folder: string): Promise<string> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  return join(folder, randomUUID());
}

/** Writes the head of a state that has been written; from then on the prefix survives this process. */
export async function commitPrefix(prefix: PrefixFile): Promise<void> {
  const { tokens, promptLength, wideTokens, bytes } = prefix;
  const checksum = await checksumOf(statePath(prefix));
  const head: Head = { version: headVersion, tokens, promptLength, wideTokens, bytes, checksum };
  const unfinished = `${headPath(prefix)}.new`;
  await writeFile(unfinished, JSON.stringify(head));
  await rename(unfinished, headPath(prefix));
}

/** True when the state is the one that was written. */
export async function isIntact(prefix: PrefixFile): Promise<boolean> {
  const head = await readHead(headPath(prefix));
  if (head === undefined) return false;
  const { size } = await stat(statePath(prefix));
  return size === head.bytes && (await checksumOf(statePath(prefix))) === head.checksum;
}

/** Notes that the prefix was used, for {@link listOldest}. */
export async function touchPrefix(prefix: PrefixFile): Promise<void> {
  const now = new Date();
  await utimes(headPath(prefix), now, now).catch(() => {});
}

export async function removePrefix(prefix: Pick<PrefixFile, "path">): Promise<void> {
  // Without its head a state is nothing, so the head goes first.
  await rm(headPath(prefix), { force: true });
  await rm(statePath(prefix), { force: true });
}

/** The prefixes in `folder`, the last used first. What is broken or abandoned there is removed. */
export async function readPrefixes(folder: string): Promise<PrefixFile[]> {
  const names: readonly string[] = await readdir(folder).catch(() => []);
  const found: { prefix: PrefixFile; usedMs: number }[] = [];
  for (const name of names) {
    const path = join(folder, name.replace(/\.[^.]*$/, ""));
    if (name.endsWith(".json")) {
      const prefix = await readPrefix(path);
      if (prefix === undefined) await removePrefix({ path });
      else found.push(prefix);
    } else if (!names.includes(`${name.slice(0, -".state".length)}.json`) && (await isOlder(join(folder, name)))) {
      await rm(join(folder, name), { force: true });
    }
  }
  return found.toSorted((first, second) => second.usedMs - first.usedMs).map(({ prefix }) => prefix);
}

/** The prefixes in all folders of a model, the least recently used first, with what they take. */
export async function listOldest(modelFolder: string): Promise<{ readonly path: string; readonly bytes: number }[]> {
  const found: { path: string; bytes: number; usedMs: number }[] = [];
  for (const folder of await readdir(modelFolder).catch(() => [])) {
    for (const name of await readdir(join(modelFolder, folder)).catch(() => [])) {
      if (!name.endsWith(".state")) continue;
      const path = join(modelFolder, folder, name.slice(0, -".state".length));
      const [state, head] = await Promise.all([statPath(statePath({ path })), statPath(headPath({ path }))]);
      if (state !== undefined) found.push({ path, bytes: state.size, usedMs: (head ?? state).mtimeMs });
    }
  }
  return found.toSorted((first, second) => first.usedMs - second.usedMs);
}

/** Removes the folders of the model's earlier files and settings that nobody has used for a month. */
export async function removeUnused(modelFolder: string, current: string): Promise<void> {
  for (const name of await readdir(modelFolder).catch(() => [])) {
    const folder = join(modelFolder, name);
    if (folder === current || !(await isOlder(folder, unusedMs))) continue;
    await rm(folder, { recursive: true, force: true });
  }
}

async function readPrefix(path: string): Promise<{ prefix: PrefixFile; usedMs: number } | undefined> {
  const head = await readHead(headPath({ path }));
  const [state, used] = await Promise.all([statPath(statePath({ path })), statPath(headPath({ path }))]);
  if (head === undefined || used === undefined || state?.size !== head.bytes) return undefined;
  const { tokens, promptLength, wideTokens, bytes } = head;
  return { prefix: { path, tokens, promptLength, wideTokens, bytes }, usedMs: used.mtimeMs };
}

async function readHead(path: string): Promise<Head | undefined> {
  try {
    const head = JSON.parse(await readFile(path, "utf8")) as Partial<Head> | null;
    const isWhole =
      head?.version === headVersion &&
      Array.isArray(head.tokens) &&
      head.tokens.every((token) => Number.isInteger(token)) &&
      [head.promptLength, head.wideTokens, head.bytes, head.checksum].every((value) => Number.isInteger(value));
    return isWhole ? (head as Head) : undefined;
  } catch {
    return undefined;
  }
}

async function checksumOf(path: string): Promise<number> {
  let checksum = 0;
  for await (const chunk of createReadStream(path, { highWaterMark: 1024 * 1024 })) {
    checksum = crc32(chunk as Buffer, checksum);
  }
  return checksum;
}

async function isOlder(path: string, ms = abandonedMs): Promise<boolean> {
  const found = await statPath(path);
  return found !== undefined && Date.now() - found.mtimeMs > ms;
}

function statPath(path: string): Promise<{ readonly size: number; readonly mtimeMs: number } | undefined> {
  return stat(path).catch(() => undefined);
}
