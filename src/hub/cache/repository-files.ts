// The files of a repository as the hub lists them, and which of their paths may be written to this machine's disk.
import { HubFailure } from "../failures.ts";
import type { Digest } from "../fetch/file-hash.ts";

export interface RepositoryFile {
  /** With `/` between its segments. */
  readonly path: string;
  readonly bytes: number;
  /** The name of its content in the shared cache: sha256 of a large file, git's sha1 of a small one. */
  readonly tag: string;
  readonly digest: Digest;
}

/** Names that Windows keeps for devices, with or without an extension. */
const deviceNames = /^(?:con|prn|aux|nul|com\d|lpt\d)(?:\.|$)/i;
/** Characters that a name cannot have on one of the systems. */
// oxlint-disable-next-line no-control-regex -- control characters are what is looked for
const forbiddenCharacters = /[<>:"\\|?*\u0000-\u001f]/;

/**
 * Refuses a path that would leave the folder it is joined to, or that one of the operating systems cannot store. A listing comes from the
 * network, so nothing of it is written before this.
 * @throws HubFailure `unsafe-path`
 */
export function assertSafePath(path: string): void {
  const isSafe = path
    .split("/")
    .every(
      (segment) =>
        segment !== "" &&
        segment !== "." &&
        segment !== ".." &&
        !forbiddenCharacters.test(segment) &&
        !deviceNames.test(segment) &&
        !/[ .]$/.test(segment),
    );
  if (isSafe) return;
  throw new HubFailure("unsafe-path", {
    message: `The repository has a file named ${JSON.stringify(path)}, which is not written to the disk.`,
    remedy: "Choose another repository, and tell the authors of this one.",
  });
}
