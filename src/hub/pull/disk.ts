// The disk's part in a pull: whether there is room, and what its errors mean to the user.
import { existsSync } from "node:fs";
import { statfs } from "node:fs/promises";
import { dirname } from "node:path";
import { formatBytes } from "../../util/format-bytes.ts";
import { HubFailure } from "../failures.ts";

/** Left free: a system whose disk is full to the last byte cannot even write its logs. */
const marginBytes = 64 * 2 ** 20;

/**
 * Refuses before the first byte what would fail after an hour.
 * @throws HubFailure `disk-full`, with the numbers
 */
export async function assertRoom(folder: string, neededBytes: number): Promise<void> {
  const existing = nearestExisting(folder);
  const facts = await statfs(existing).catch(() => undefined);
  if (facts === undefined) return; // Not every file system says; the write will.
  const freeBytes = facts.bavail * facts.bsize;
  if (neededBytes + marginBytes <= freeBytes) return;
  throw new HubFailure("disk-full", {
    message: `${formatBytes(neededBytes)} are to be fetched, and ${formatBytes(freeBytes)} are free on the disk of ${folder}.`,
    remedy:
      `Free ${formatBytes(neededBytes + marginBytes - freeBytes)}, choose a smaller variant, or set HF_HUB_CACHE (models of the ` +
      "hub) or HEARTH_STORE_DIRECTORY (others) to a folder on another disk.",
  });
}

/** The failure behind an error of the file system; any other error is returned as it is. */
export function toDiskFailure(error: unknown): unknown {
  const { code, path } = error as NodeJS.ErrnoException;
  const at = path === undefined ? "" : `: ${path}`;
  switch (code) {
    case "ENOSPC":
    case "EDQUOT":
      return new HubFailure(
        "disk-full",
        {
          message: `The disk is full${code === "EDQUOT" ? " up to your quota" : ""}${at}.`,
          remedy: "Free some space and pull again: what has been fetched is kept.",
        },
        { cause: error },
      );
    case "EACCES":
    case "EPERM":
    case "EROFS":
      return new HubFailure(
        "disk-error",
        {
          message: `${code === "EROFS" ? "The file system is read-only" : "This user may not write there"}${at}.`,
          remedy:
            "Set HF_HUB_CACHE (models of the hub) or HEARTH_STORE_DIRECTORY (others) to a folder that may be written.",
        },
        { cause: error },
      );
    case "EIO":
    case "ENOTDIR":
    case "EEXIST":
    case "ENAMETOOLONG":
    case "EMFILE":
      return new HubFailure("disk-error", { message: `The file system reports ${code}${at}.` }, { cause: error });
    default:
      return error;
  }
}

function nearestExisting(folder: string): string {
  let path = folder;
  while (!existsSync(path) && dirname(path) !== path) path = dirname(path);
  return path;
}
