// Reads the shared cache, whichever tool has written it: huggingface_hub, llama.cpp, or this program. Synchronous, as the configuration
// is read so, and it may name models of the cache.
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join, sep } from "node:path";
import { folderOfRepository } from "./repository-cache.ts";

export interface CachedFile {
  /** Inside the repository, with `/`. */
  readonly path: string;
  readonly bytes: number;
}

export interface CachedSnapshot {
  /** `org/name`. */
  readonly repository: string;
  readonly commit: string;
  /** Absolute path of the snapshot's folder. */
  readonly folder: string;
  /** Files whose content is there; a dangling link is none. */
  readonly files: readonly CachedFile[];
}

const commitPattern = /^[0-9a-f]{40}$/;

/** Every repository of the cache at the commit of `main`, else of another reference, else at its newest snapshot. */
export function listCachedSnapshots(cacheDirectory: string): CachedSnapshot[] {
  const names = namesIn(cacheDirectory).filter((name) => name.startsWith("models--"));
  return names.toSorted().flatMap((name) => {
    // The first `--` is the one between organisation and name: the hub's names contain none.
    const repository = name.slice("models--".length).replace("--", "/");
    return readCachedSnapshot(cacheDirectory, { repository, revision: null }) ?? [];
  });
}

/** The snapshot of a revision; `null` = the one that {@link listCachedSnapshots} takes. `undefined` where it is not there. */
export function readCachedSnapshot(
  cacheDirectory: string,
  { repository, revision }: { readonly repository: string; readonly revision: string | null },
): CachedSnapshot | undefined {
  const root = join(cacheDirectory, folderOfRepository(repository));
  const commit =
    revision === null
      ? (readReference(root, "main") ?? otherReference(root) ?? newestSnapshot(root))
      : commitPattern.test(revision)
        ? revision
        : readReference(root, revision);
  if (commit === undefined) return undefined;
  const folder = join(root, "snapshots", commit);
  const files = filesIn(folder);
  return files.length === 0 ? undefined : { repository, commit, folder, files };
}

/** Every file below a folder whose content is there, in order of its path. */
export function filesIn(folder: string): CachedFile[] {
  const files = namesIn(folder, { recursive: true }).flatMap((name): CachedFile[] => {
    const facts = statSync(join(folder, name), { throwIfNoEntry: false });
    return facts?.isFile() === true ? [{ path: name.split(sep).join("/"), bytes: facts.size }] : [];
  });
  return files.toSorted((one, other) => (one.path < other.path ? -1 : 1));
}

function readReference(root: string, name: string): string | undefined {
  try {
    const text = readFileSync(join(root, "refs", ...name.split("/")), "utf8").trim();
    return commitPattern.test(text) ? text : undefined;
  } catch {
    return undefined;
  }
}

function otherReference(root: string): string | undefined {
  return namesIn(join(root, "refs"))
    .toSorted()
    .map((name) => readReference(root, name))
    .find((commit) => commit !== undefined);
}

function newestSnapshot(root: string): string | undefined {
  const folder = join(root, "snapshots");
  const modifiedMs = (name: string): number => statSync(join(folder, name), { throwIfNoEntry: false })?.mtimeMs ?? 0;
  return namesIn(folder).toSorted((one, other) => modifiedMs(other) - modifiedMs(one))[0];
}

function namesIn(folder: string, { recursive = false }: { readonly recursive?: boolean } = {}): string[] {
  try {
    return readdirSync(folder, { recursive, encoding: "utf8" });
  } catch {
    return [];
  }
}
