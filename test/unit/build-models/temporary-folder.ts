// A folder for one test file, removed after it.

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll } from "vitest";

/** The path of a new empty folder; call at the top level of a test file. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "hearth-build-models-"));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}
