// Finds LM Studio's models: `PUBLISHER/MODEL/FILE.gguf` below its folder.
import { readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { variantOfGguf } from "../choose/gguf-files.ts";
import { homeOf, type Environment } from "../environment.ts";
import { toFoundModel, type FoundModel } from "./found-model.ts";
import { findModelPaths } from "./model-folders.ts";

export function findInLmStudio(environment: Environment): FoundModel[] {
  const home = homeOf(environment);
  const folders = [
    join(movedHome(home) ?? join(home, ".lmstudio"), "models"),
    // Versions before 0.3.
    join(home, ".cache", "lm-studio", "models"),
  ];
  return [...new Set(folders)].flatMap((folder) =>
    findModelPaths(folder)
      .filter(({ path }) => path.endsWith(".gguf"))
      .map((model) => toFoundModel({ ...model, name: `lmstudio:${shortName(model)}`, foundIn: "lm studio" })),
  );
}

/** `publisher/model:VARIANT`, as its own list shows them; the file's name where that tells no variant. */
function shortName({ name, path }: { readonly name: string; readonly path: string }): string {
  const variant = variantOfGguf(basename(path));
  const folder = name.split("/").slice(0, -1).join("/");
  return variant === null || folder === "" ? name : `${folder}:${variant}`;
}

/** Where the user has moved LM Studio's folder. */
function movedHome(home: string): string | undefined {
  try {
    return readFileSync(join(home, ".lmstudio-home-pointer"), "utf8").trim() || undefined;
  } catch {
    return undefined;
  }
}
