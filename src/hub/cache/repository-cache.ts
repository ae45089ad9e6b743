// Writes files into the cache that Hugging Face's tools share, in the layout of their specification for re-implementers ("Cache
// structure", hub documentation), so that what is fetched here is found by all of them:
//
//   models--ORG--REPO/blobs/TAG                  a content
//   models--ORG--REPO/snapshots/COMMIT/PATH      a link to a content
//   models--ORG--REPO/refs/NAME                  the commit that a branch was at
//
// A reader may look at any moment, so a content appears by being renamed, then its link, and last the reference. Files of other tools that
// are not complete (`*.incomplete`, `*.downloadInProgress`) are theirs: they are neither continued nor removed.
import { randomUUID } from "node:crypto";
import { mkdir, rename, rm, stat, symlink, writeFile } from "node:fs/promises";
import { dirname, join, relative } from "node:path";
import { removeJournal } from "../fetch/partial-file.ts";
import type { RepositoryFile } from "./repository-files.ts";

export interface RepositoryCacheOptions {
  readonly cacheDirectory: string;
  /** `org/name`. */
  readonly repository: string;
  /** False where links are not wanted; where they cannot be made, that is found out. */
  readonly useSymlinks: boolean;
  /** @default Node's `symlink` */
  readonly link?: (target: string, path: string) => Promise<void>;
}

/** Errors of systems and file systems that have no links, or let this user make none. */
const noLinkCodes = new Set(["EPERM", "EACCES", "ENOSYS", "ENOTSUP", "EOPNOTSUPP", "EINVAL", "UNKNOWN"]);

export class RepositoryCache {
  /** Folder of the repository. */
  readonly folder: string;
  readonly #options: RepositoryCacheOptions;
  #hasLinks: boolean;

  constructor(options: RepositoryCacheOptions) {
    this.#options = options;
    this.#hasLinks = options.useSymlinks;
    this.folder = join(options.cacheDirectory, folderOfRepository(options.repository));
  }

  snapshotFolder(commit: string): string {
    return join(this.folder, "snapshots", commit);
  }

  /** Path of a file in the snapshot of a commit. */
  filePath(commit: string, path: string): string {
    return join(this.snapshotFolder(commit), ...path.split("/"));
  }

  blobPath(tag: string): string {
    return join(this.folder, "blobs", tag);
  }

  /** Where a content lies until it is complete; the name is ours, so that no other tool takes it for its own. */
  partialPath(tag: string): string {
    return join(this.folder, "blobs", `${tag}.hearth-part`);
  }

  /** Beside the locks of other tools, under a name of our own: theirs are of another kind. */
  lockPath(tag: string): string {
    return join(
      this.#options.cacheDirectory,
      ".locks",
      folderOfRepository(this.#options.repository),
      `${tag}.hearth-lock`,
    );
  }

  /** True where the content is there, linked into the snapshot or not. */
  async has(commit: string, file: RepositoryFile): Promise<boolean> {
    return (await hasSize(this.filePath(commit, file.path), file)) || (await hasSize(this.blobPath(file.tag), file));
  }

  /**
   * Makes the folders. The marker for backup tools, CACHEDIR.TAG, is left to newer versions of huggingface_hub: the scan of the older ones
   * (0.36) complains of it.
   */
  async prepare(): Promise<void> {
    await mkdir(join(this.folder, "blobs"), { recursive: true });
  }

  /** Gives a complete partial file its place as a content. */
  async addBlob({ tag }: RepositoryFile): Promise<void> {
    await removeJournal(this.partialPath(tag));
    await rename(this.partialPath(tag), this.blobPath(tag));
  }

  /** Puts a content that is there into the snapshot. Without links the file itself moves there, as other tools have it then. */
  async link(commit: string, file: RepositoryFile): Promise<void> {
    const place = this.filePath(commit, file.path);
    if (await hasSize(place, file)) return;
    await mkdir(dirname(place), { recursive: true });
    const blob = this.blobPath(file.tag);
    if (this.#hasLinks && (await this.#tryLink(relative(dirname(place), blob), place))) return;
    this.#hasLinks = false;
    await rename(blob, place);
  }

  /** Notes which commit a branch or tag was at. */
  async writeReference(revision: string, commit: string): Promise<void> {
    // A commit is its own name, and other tools keep no reference to it.
    if (revision === commit) return;
    const place = join(this.folder, "refs", ...revision.split("/"));
    await mkdir(dirname(place), { recursive: true });
    const temporary = `${place}.${randomUUID()}.hearth-part`;
    await writeFile(temporary, commit);
    await rename(temporary, place);
  }

  /** Makes the link under another name and renames it, as a wrong or dangling one may be there. */
  async #tryLink(target: string, place: string): Promise<boolean> {
    const temporary = `${place}.${randomUUID()}.hearth-part`;
    try {
      await (this.#options.link ?? symlink)(target, temporary);
    } catch (error) {
      if (noLinkCodes.has((error as NodeJS.ErrnoException).code ?? "")) return false;
      throw error;
    }
    try {
      await rename(temporary, place);
    } finally {
      await rm(temporary, { force: true });
    }
    return true;
  }
}

/** `org/name` is in the folder `models--org--name`. */
export function folderOfRepository(repository: string): string {
  return `models--${repository.replaceAll("/", "--")}`;
}

/** Tools trust a file of the right length, as hashing gigabytes at every start would take minutes. */
async function hasSize(path: string, { bytes }: RepositoryFile): Promise<boolean> {
  const facts = await stat(path).catch(() => undefined);
  return facts?.isFile() === true && facts.size === bytes;
}
