// What is in the package, by npm's own word: everything that a server needs, and nothing that only we need.
import { execFile } from "node:child_process";
import { resolve } from "node:path";
import { promisify } from "node:util";
import { beforeAll, describe, expect, it } from "vitest";
import { npmCommand } from "../support/npm.ts";

const repository = resolve(import.meta.dirname, "../..");

interface Packed {
  readonly name: string;
  readonly size: number;
  readonly files: readonly { readonly path: string }[];
}

let packed: Packed;
let paths: readonly string[];
beforeAll(async () => {
  const [program, ...leading] = npmCommand;
  // Without scripts: the one before packing cleans `dist`, which other tests may be reading.
  const flags = ["pack", "--dry-run", "--json", "--ignore-scripts"];
  const { stdout } = await promisify(execFile)(program, [...leading, ...flags], { cwd: repository });
  [packed] = JSON.parse(stdout) as [Packed];
  paths = packed.files.map(({ path }) => path);
});

describe("the package", () => {
  it("holds the program, its models and settings, its documents, and nothing else", () => {
    const others = paths.filter((path) => !/^dist\/.+\.js$/.test(path) && !path.startsWith("models/"));
    expect(others.toSorted()).toEqual([
      "CHANGELOG.md",
      "LICENSE",
      "README.md",
      "config/default.yaml",
      "config/example.yaml",
      "config/known-models.yaml",
      "config/schema.json",
      "package.json",
      "scripts/preinstall.mjs",
    ]);
  });

  it("holds the entries of all processes", () => {
    const entries = [
      "dist/main.js",
      "dist/runner.js",
      "dist/backends/llama/guided/grammar-process.js",
      "dist/backends/llama/load/devices/probe-process.js",
      "dist/backends/onnx/devices/probe-process.js",
    ];
    expect(paths).toEqual(expect.arrayContaining(entries));
  });

  it("holds each bundled model", () => {
    const models = paths.filter((path) => path.startsWith("models/")).map((path) => path.split("/")[1]);
    expect(new Set(models)).toEqual(new Set(["tiny-chat", "tiny-embed", "tiny-image"]));
    expect(paths).toContain("models/tiny-chat/tiny-chat.gguf");
  });

  it("is smaller than 10 MB", () => {
    expect(packed.size).toBeLessThan(10_000_000);
  });
});
