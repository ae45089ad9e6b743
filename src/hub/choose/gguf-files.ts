// Chooses a GGUF model among a repository's files, as llama.cpp does (`common/download.cpp`: `find_best_model`, `get_split_files`), so that
// the same words name the same file in both.
import { HubFailure } from "../failures.ts";
import { formatBytes } from "../../util/format-bytes.ts";
import type { ChoosableFile, ChoiceContext } from "./model-choice.ts";

/** Variants that are taken when none is named, in this order; then the first file. */
const usualVariants = ["Q4_K_M", "Q8_0"];

/** Files beside a model that are no model of their own: projectors, statistics, and small models that guess ahead. */
const companion = /mmproj|imatrix|(?:^|[-_.])(?:mtp|eagle3|dflash|dspark|draft)-/i;

const shard = /^(.*)-(\d{5})-of-(\d{5})\.gguf$/i;

/** True for a file that is a GGUF model, or the first of its parts. */
export function isGgufModel(path: string): boolean {
  const name = path.split("/").at(-1) ?? path;
  if (!/\.gguf$/i.test(name) || companion.test(name)) return false;
  const part = shard.exec(name);
  return part === null || Number(part[2]) === 1;
}

/** The variant in a file's name, such as `Q4_K_M` or `UD-Q4_K_XL`; `null` where there is none. */
export function variantOfGguf(path: string): string | null {
  const name = (path.split("/").at(-1) ?? path).replace(shard, "$1.gguf");
  const pattern =
    /(?:^|[-_.])((?:UD-)?(?:I?Q\d(?:_[A-Z0-9]+)*|TQ\d_\d|BF16|FP?16|FP?32|MXFP4(?:_MOE)?|NVFP4))(?=[-.])/gi;
  return [...name.matchAll(pattern)].at(-1)?.[1] ?? null;
}

/**
 * The files of one model, first the one to open.
 * 1. A named file is taken as it is.
 * 2. A named variant is the first model whose path has it before a `.` or a `-`.
 * 3. Else Q4_K_M, then Q8_0, then the first model.
 * Of a model in parts all parts are taken.
 * @throws HubFailure `missing-file` or `missing-variant`, with what there is
 */
export function chooseGguf(
  files: readonly ChoosableFile[],
  { variant, file, repository }: ChoiceContext,
): readonly [string, ...string[]] {
  const models = files.filter(({ path }) => isGgufModel(path));
  const first = file === null ? findVariant(models, variant) : files.find(({ path }) => path === file); // 1.
  if (first !== undefined) return [first.path, ...otherParts(files, first.path, repository)];
  if (file !== null) {
    throw new HubFailure("missing-file", {
      message: `${repository} has no file ${file}.`,
      remedy: `Its models are ${listFiles(models)}.`,
    });
  }
  throw new HubFailure("missing-variant", {
    message: `${repository} has no variant ${variant ?? ""}.`,
    remedy: `It has ${listVariants(models)}.`,
  });
}

function findVariant(models: readonly ChoosableFile[], variant: string | null): ChoosableFile | undefined {
  const wanted = variant === null ? usualVariants : [variant, ...otherSpellings(variant)];
  for (const name of wanted) {
    // 2.
    const pattern = new RegExp(
      `(?:^|[^a-z0-9])${name.replaceAll(/[.\\+*?[^\]$(){}=!<>|:-]/g, String.raw`\$&`)}[.-]`,
      "i",
    );
    const found = models.find(({ path }) => pattern.test(path));
    if (found !== undefined) return found;
  }
  return variant === null ? models[0] : undefined; // 3.
}

/** Half precision is called F16 and FP16. */
function otherSpellings(variant: string): string[] {
  const match = /^(f)(p?)(16|32)$/i.exec(variant);
  return match === null ? [] : [match[2] === "" ? `FP${match[3]}` : `F${match[3]}`];
}

function otherParts(files: readonly ChoosableFile[], first: string, repository: string): string[] {
  const match = shard.exec(first);
  if (match === null) return [];
  const [, prefix = "", , count = "0"] = match;
  const parts = Array.from(
    { length: Number(count) },
    (_, index) => `${prefix}-${String(index + 1).padStart(5, "0")}-of-${count}.gguf`,
  );
  const there = new Set(files.map(({ path }) => path));
  const missing = parts.filter((part) => !there.has(part));
  if (missing.length > 0) {
    throw new HubFailure("missing-file", {
      message: `${repository} lacks ${missing.length} of the ${Number(count)} parts of ${first}, such as ${missing[0]}.`,
      remedy: "Choose another variant or repository.",
    });
  }
  return parts.filter((part) => part !== first);
}

function listVariants(models: readonly ChoosableFile[]): string {
  const sizes = models.map(({ path, bytes }) => {
    const size = shard.test(path) ? "in parts" : formatBytes(bytes);
    return `${variantOfGguf(path) ?? path} (${size})`;
  });
  return sizes.length === 0 ? "none" : sizes.join(", ");
}

function listFiles(models: readonly ChoosableFile[]): string {
  return models.length === 0 ? "none" : models.map(({ path }) => path).join(", ");
}
