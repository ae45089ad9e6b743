// Says in a file of golden values how they were made.

import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { basename, resolve } from "node:path";

import { serverFlags } from "./server-process.ts";

/** `script` = the command that made the values, from the repository's root. */
export function sourceOf(model: string, script: string): object {
  const release = resolve(import.meta.dirname, "../../node_modules/node-llama-cpp/llama/binariesGithubRelease.json");
  const { release: llamaCpp } = JSON.parse(readFileSync(release, "utf8")) as { release: string };
  return {
    reference: `llama-server of llama.cpp ${llamaCpp}, on a CPU`,
    command: `llama-server -m ${basename(model)} ${serverFlags.join(" ")}`,
    script,
    model: basename(model),
    sha256: createHash("sha256").update(readFileSync(model)).digest("hex"),
  };
}
