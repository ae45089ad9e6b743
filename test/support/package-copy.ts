// A copy of what the package is made from, in a folder of its own: npm's scripts clean and write `dist/`, which other
// tests and a server at work read.
import { cp, mkdtemp, rm, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";

const repository = resolve(import.meta.dirname, "../..");

const parts = ["config", "models", "src", "scripts", "tsconfig.json", "tsconfig.build.json", "package.json"];
const documents = ["README.md", "LICENSE", "CHANGELOG.md"];

export interface PackageCopy {
  readonly folder: string;
  readonly remove: () => Promise<void>;
}

/** The dependencies are the repository's own. */
export async function copyPackage(): Promise<PackageCopy> {
  const folder = await mkdtemp(join(tmpdir(), "hearth-package-"));
  for (const part of [...parts, ...documents])
    await cp(join(repository, part), join(folder, part), { recursive: true });
  await symlink(join(repository, "node_modules"), join(folder, "node_modules"), "junction");
  return { folder, remove: () => rm(folder, { recursive: true, force: true }) };
}
