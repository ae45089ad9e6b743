import { lstatSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect, it } from "vitest";
import { RepositoryCache } from "../../../../src/hub/cache/repository-cache.ts";
import { temporaryFolder } from "../../../support/temporary-folder.ts";

const commit = "c".repeat(40);
const file = {
  path: "sub/m.gguf",
  bytes: 4,
  tag: "a".repeat(64),
  digest: { algorithm: "sha256", hex: "a".repeat(64) },
} as const;

async function withContent(link?: (target: string, path: string) => Promise<void>): Promise<RepositoryCache> {
  const cacheDirectory = temporaryFolder("cache");
  const cache = new RepositoryCache({ cacheDirectory, repository: "o/r", useSymlinks: true, ...(link && { link }) });
  await cache.prepare();
  writeFileSync(cache.partialPath(file.tag), "GGUF");
  await cache.addBlob(file);
  return cache;
}

describe("a file of the shared cache", () => {
  it.each(["EPERM", "ENOSYS", "EOPNOTSUPP"])("moves into the snapshot where links end with %s", async (code) => {
    const cache = await withContent(() => Promise.reject(Object.assign(new Error(code), { code })));
    await cache.link(commit, file);
    const path = cache.filePath(commit, file.path);
    expect(lstatSync(path).isFile()).toBe(true);
    expect(readFileSync(path, "utf8")).toBe("GGUF");
    expect(await cache.has(commit, file)).toBe(true);
  });

  it("replaces a link that leads nowhere", async () => {
    const cache = await withContent();
    const path = cache.filePath(commit, file.path);
    mkdirSync(dirname(path), { recursive: true });
    symlinkSync(join("..", "gone"), path);
    await cache.link(commit, file);
    expect(readFileSync(path, "utf8")).toBe("GGUF");
  });

  it("tells any other error of the file system", async () => {
    const cache = await withContent(() => Promise.reject(Object.assign(new Error("full"), { code: "ENOSPC" })));
    await expect(cache.link(commit, file)).rejects.toThrow("full");
  });
});
