// Removes a pulled model: what this program has fetched, and nothing that anybody else uses.
import { readdirSync, readlinkSync, rmdirSync, rmSync, statSync } from "node:fs";
import { dirname, join, resolve, sep } from "node:path";
import { removePartialFile } from "../fetch/partial-file.ts";
import type { ModelStore, StoredFile, StoredModel } from "./model-store.ts";

export interface Removal {
  /** Absolute paths of the links and files that go. */
  readonly paths: readonly string[];
  /** Absolute paths of the contents that go. */
  readonly contents: readonly string[];
  /** Bytes on the disk that become free. */
  readonly bytes: number;
  /** Files that stay because another tool has fetched them. */
  readonly foreign: readonly StoredFile[];
  /** Files that stay because another pulled model has them too. */
  readonly shared: readonly StoredFile[];
}

/**
 * What removing a model would take away:
 * 1. a file that another tool has fetched stays;
 * 2. a file that another pulled model has stays;
 * 3. of any other, the link goes; its content goes where no other snapshot of the repository links to it.
 */
export function planRemoval(model: StoredModel, store: ModelStore): Removal {
  const others = store.list().filter(({ name }) => name !== model.name);
  const usedPaths = new Set(others.flatMap(({ files }) => files.map(({ path }) => path)));
  const files = [...model.files, ...(model.superseded ?? [])];
  const foreign = files.filter(({ isOurs }) => !isOurs); // 1.
  const shared = files.filter(({ isOurs, path }) => isOurs && usedPaths.has(path)); // 2.
  const going = files.filter(({ isOurs, path }) => isOurs && !usedPaths.has(path)); // 3.
  const paths = new Set(going.map(({ path }) => path));
  const contents = [...new Set(going.map(({ content }) => content))].filter(
    (content) => !isLinkedElsewhere(content, paths),
  );
  const bytes = contents.reduce((sum, content) => sum + (statSync(content, { throwIfNoEntry: false })?.size ?? 0), 0);
  return { paths: [...paths], contents, bytes, foreign, shared };
}

/** Carries it out, and removes folders that are empty then, up to the repository's own or the store's. */
export async function removeModel(model: StoredModel, store: ModelStore): Promise<Removal> {
  const removal = planRemoval(model, store);
  for (const path of removal.paths) rmSync(path, { force: true });
  for (const content of removal.contents) {
    rmSync(content, { force: true });
    await removePartialFile(`${content}.hearth-part`);
  }
  for (const path of [...removal.paths, ...removal.contents]) removeEmptyFolders(dirname(path));
  for (const root of new Set(removal.contents.map(repositoryOf))) if (root !== undefined) removeEmptyRepository(root);
  store.remove(model.name);
  return removal;
}

/** True where a link outside `paths` leads to the content. Other commits and other tools may have made some. */
function isLinkedElsewhere(content: string, paths: ReadonlySet<string>): boolean {
  const root = repositoryOf(content);
  if (root === undefined) return false;
  return linksBelow(join(root, "snapshots")).some(({ path, target }) => target === content && !paths.has(path));
}

/** `.../models--org--repo` of a content in the shared cache; `undefined` elsewhere. */
function repositoryOf(content: string): string | undefined {
  const parts = content.split(sep);
  const index = parts.findLastIndex((part) => part.startsWith("models--"));
  return index >= 0 && parts[index + 1] === "blobs" ? parts.slice(0, index + 1).join(sep) : undefined;
}

function linksBelow(folder: string): { readonly path: string; readonly target: string }[] {
  return entriesOf(folder, { recursive: true }).flatMap((name) => {
    const path = join(folder, name);
    try {
      return [{ path, target: resolve(dirname(path), readlinkSync(path)) }];
    } catch {
      return []; // A folder, or a real file where links cannot be made.
    }
  });
}

/** A repository of which no content and no snapshot is left has only references, which lead nowhere. */
function removeEmptyRepository(root: string): void {
  const left = [...entriesOf(join(root, "blobs")), ...entriesOf(join(root, "snapshots"))];
  if (left.length === 0) rmSync(root, { recursive: true, force: true });
}

function removeEmptyFolders(folder: string): void {
  for (let path = folder; /[/\\](?:snapshots|blobs|models)[/\\]/.test(`${dirname(path)}${sep}`); path = dirname(path)) {
    try {
      rmdirSync(path);
    } catch {
      return; // Something is left in it.
    }
  }
}

function entriesOf(folder: string, { recursive = false }: { readonly recursive?: boolean } = {}): string[] {
  try {
    return readdirSync(folder, { recursive, encoding: "utf8" });
  } catch {
    return [];
  }
}
