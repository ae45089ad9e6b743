// Runs when the package is installed: keeps onnxruntime-node's install script from downloading CUDA libraries, which most users do not need
// and whose download fails the installation where NuGet cannot be reached. That script does not download files that exist, and npm runs
// every `preinstall` before any `postinstall`, so this one writes placeholders. An explicit download (README.md, "GPU") replaces them.
// It is JavaScript with built-ins only, as nothing is built at this time.
import { existsSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { basename, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const here = createRequire(import.meta.url);
const platform = `${process.platform}/${process.arch}`;
const text = `A placeholder by hearth-server, so that installing it downloads no CUDA libraries. To download them, run
node node_modules/onnxruntime-node/script/install --onnxruntime-node-install=cuda12
`;

/** The folders of onnxruntime-node that Hearth and transformers.js use: two where npm installed a copy for each. */
function runtimeFolders() {
  const importers = [here, createRequire(here.resolve("@huggingface/transformers"))];
  return new Set(importers.map((from) => dirname(from.resolve("onnxruntime-node/package.json"))));
}

function placePlaceholders(folder) {
  const { requirements, manifests } = here(join(folder, "script", "install-metadata.js"));
  for (const name of requirements[platform] ?? []) {
    for (const file of Object.keys(manifests[`${platform}:${name}`] ?? {})) {
      const path = join(folder, "bin", "napi-v6", platform, file);
      if (!existsSync(path)) writeFileSync(path, text);
    }
  }
}

function isInstalledAsDependency() {
  const root = dirname(dirname(fileURLToPath(import.meta.url)));
  return basename(dirname(root)) === "node_modules";
}

if (isInstalledAsDependency()) {
  try {
    for (const folder of runtimeFolders()) placePlaceholders(folder);
  } catch (error) {
    // At worst the libraries are downloaded, which is no reason to fail.
    console.warn(`hearth-server could not switch off the download of CUDA libraries: ${String(error)}`);
  }
}
