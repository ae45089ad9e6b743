// Reference data of third parties lies beside the repository, never in it. Tests that need it skip visibly where it is absent.
import { existsSync } from "node:fs";
import { resolve } from "node:path";
import { requirement, type Requirement } from "./skips/requires.ts";

const sharedRoot = resolve(import.meta.dirname, "../../../shared");

/** Absolute path of a file or folder under `../shared`, whether or not it exists. */
export function sharedPath(...segments: string[]): string {
  return resolve(sharedRoot, ...segments);
}

/** True where the reference data is present. */
export function hasShared(...segments: string[]): boolean {
  return existsSync(sharedPath(...segments));
}

/** The reference data as what a test requires. */
export function shared(...segments: string[]): Requirement {
  return requirement(hasShared(...segments), ["../shared", ...segments].join("/"));
}
