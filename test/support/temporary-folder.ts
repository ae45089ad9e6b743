// Temporary folders for tests. Each is removed when the tests of the file that asked for it are over, passed or failed.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll } from "vitest";

const folders: string[] = [];

// A test file imports this before it registers hooks of its own, and Vitest runs the hooks after tests last in, first out: what
// still writes into a folder, such as a server, has been stopped by then.
afterAll(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true, maxRetries: 3 });
});

/** The path of a new empty folder, `name` within it. Can be called at the top of a test file, in a hook and in a test. */
export function temporaryFolder(name: string): string {
  const folder = mkdtempSync(join(tmpdir(), `hearth-${name}-`));
  folders.push(folder);
  return folder;
}
