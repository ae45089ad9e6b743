// What a consumer's npm runs before onnxruntime-node's own script, among packages that stand for the real ones.
import { execFile } from "node:child_process";
import { cp, mkdir, readFile, readdir, writeFile } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { promisify } from "node:util";
import { beforeEach, describe, expect, it } from "vitest";
import { temporaryFolder } from "../support/temporary-folder.ts";

const script = resolve(import.meta.dirname, "../../scripts/preinstall.mjs");
const platform = `${process.platform}/${process.arch}`;

let folder: string;
beforeEach(() => {
  folder = temporaryFolder("preinstall");
});

async function write(path: string, text: string): Promise<void> {
  await mkdir(dirname(join(folder, path)), { recursive: true });
  await writeFile(join(folder, path), text);
}

/** A runtime of which this platform's script would download the library `cuda.so`. */
async function writeRuntime(at: string): Promise<void> {
  const metadata = {
    requirements: { [platform]: ["cuda12"] },
    manifests: { [`${platform}:cuda12`]: { "./cuda.so": {} } },
  };
  await write(`${at}/onnxruntime-node/package.json`, "{}");
  await write(`${at}/onnxruntime-node/script/install-metadata.js`, `module.exports = ${JSON.stringify(metadata)};`);
  await write(`${at}/onnxruntime-node/bin/napi-v6/${platform}/onnxruntime.so`, "the library for the CPU");
}

async function writeTransformers(): Promise<void> {
  await write("node_modules/@huggingface/transformers/index.js", "");
}

/** Runs the script of the package in that folder; answers what it says on standard error. */
async function preinstall(at: string): Promise<string> {
  const copy = join(folder, at, "scripts/preinstall.mjs");
  await cp(script, copy, { recursive: true });
  return (await promisify(execFile)(process.execPath, [copy])).stderr;
}

const library = (at: string, name = "cuda.so") =>
  readFile(join(folder, at, "onnxruntime-node/bin/napi-v6", platform, name), "utf8");

describe("preinstall", () => {
  it("puts a placeholder where onnxruntime-node would download a library", async () => {
    await writeRuntime("node_modules");
    await writeTransformers();
    expect(await preinstall("node_modules/hearth-server")).toBe("");
    expect(await library("node_modules")).toContain("--onnxruntime-node-install=cuda12");
    expect(await library("node_modules", "onnxruntime.so")).toBe("the library for the CPU");
  });

  it("leaves a library that is in place", async () => {
    await writeRuntime("node_modules");
    await writeTransformers();
    await write(`node_modules/onnxruntime-node/bin/napi-v6/${platform}/cuda.so`, "downloaded before");
    await preinstall("node_modules/hearth-server");
    expect(await library("node_modules")).toBe("downloaded before");
  });

  it("finds a second copy under transformers.js", async () => {
    const second = "node_modules/@huggingface/transformers/node_modules";
    await writeRuntime("node_modules");
    await writeRuntime(second);
    await writeTransformers();
    await preinstall("node_modules/hearth-server");
    expect(await library("node_modules")).toContain("placeholder");
    expect(await library(second)).toContain("placeholder");
  });

  it("does nothing in the repository, where whoever develops decides", async () => {
    await writeRuntime("repository/node_modules");
    expect(await preinstall("repository")).toBe("");
    expect(await readdir(join(folder, "repository/node_modules/onnxruntime-node/bin/napi-v6", platform))).toEqual([
      "onnxruntime.so",
    ]);
  });

  it("warns and lets the installation go on where it finds no runtime", async () => {
    expect(await preinstall("node_modules/hearth-server")).toContain("could not switch off the download");
  });
});
