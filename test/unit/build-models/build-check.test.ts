// `build.ts --check` holds the committed models and the program that writes them together.

import { execFile } from "node:child_process";
import { appendFileSync, cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { describe, expect, it } from "vitest";

import { bundledModels } from "../../../scripts/build-models/bundled/bundled-models.ts";
import { temporaryFolder } from "../../support/temporary-folder.ts";

const repository = resolve(import.meta.dirname, "../../..");
const committed = join(repository, "models");
const folder = temporaryFolder("build-models");

describe("build.ts --check", () => {
  it("passes on the committed models", async () => {
    expect(await check(committed)).toEqual({ code: 0, errors: "" });
  });

  it("fails and names every file that differs, is missing, or does not belong", async () => {
    const copy = join(folder, "models");
    for (const { name } of bundledModels) cpSync(join(committed, name), join(copy, name), { recursive: true });
    const weights = join(copy, "tiny-image/unet/model.onnx");
    const bytes = readFileSync(weights);
    bytes[bytes.length >> 1]! ^= 1;
    writeFileSync(weights, bytes);
    appendFileSync(join(copy, "tiny-image/manifest.json"), " ");
    rmSync(join(copy, "tiny-embed/vocab.txt"));
    mkdirSync(join(copy, "tiny-embed/extra"));
    writeFileSync(join(copy, "tiny-embed/extra/file"), "");
    const { code, errors } = await check(copy);
    expect(code).toBe(1);
    const named = errors
      .trim()
      .split("\n")
      .map((line) => line.replace("differs from what the builder writes: ", ""));
    expect(named.sort()).toEqual([
      "tiny-embed/extra/file",
      "tiny-embed/vocab.txt",
      "tiny-image/manifest.json",
      "tiny-image/unet/model.onnx",
    ]);
  });
});

async function check(models: string): Promise<{ code: number; errors: string }> {
  const program = join(repository, "scripts/build-models/build.ts");
  return new Promise((settle) => {
    execFile(
      process.execPath,
      ["--import", "tsx", program, "--check", "--models", models],
      { cwd: repository },
      (error, _out, errors) => {
        settle({ code: error === null ? 0 : Number(error.code), errors });
      },
    );
  });
}
