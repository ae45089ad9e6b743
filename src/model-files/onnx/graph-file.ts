// Finds the graph of an encoder's folder. Layouts are those that intfloat, Xenova, onnx-community and sentence-transformers publish:
// graphs in `onnx/` or beside the configuration, with the precision in the file's name.
import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import type { EmbeddingModelOptions } from "../../domain/model.ts";
import { ServerError } from "../../domain/errors.ts";

type Precision = EmbeddingModelOptions["precision"];

export interface GraphFile {
  /** Absolute path. */
  readonly path: string;
  /** Relative to the folder, for messages. */
  readonly name: string;
  /** By the file's name; `custom` where that tells none. */
  readonly precision: Exclude<Precision, "auto"> | "custom";
}

/** What a graph is called: an encoder, the first half of T5 and its relatives, the half of CLIP that reads. */
const stems = ["model", "encoder_model", "text_model"];

/** Endings of names by precision, preferred ones first. Those of transformers.js, those of optimum, and what others write. */
const endingsByPrecision: Readonly<Record<Exclude<Precision, "auto">, readonly string[]>> = {
  fp32: ["", "_optimized", "_O3", "_O2", "_O1", "_fp32"],
  fp16: ["_fp16", "_O4"],
  int8: ["_int8", "_qint8_avx512_vnni", "_qint8_avx512", "_qint8_arm64", "_quantized"],
  q8: ["_quantized", "_int8"],
  uint8: ["_uint8", "_quint8_avx2"],
  q4: ["_q4", "_int4"],
  q4f16: ["_q4f16"],
  bnb4: ["_bnb4"],
};

/** The order in which `auto` looks, the most exact first. */
const autoOrder: readonly Exclude<Precision, "auto">[] = ["fp32", "fp16", "int8", "q8", "uint8", "q4", "q4f16", "bnb4"];

/**
 * The graph of a folder.
 *
 * 1. `modelFile` is taken as it is, relative to the folder or to its `onnx/`.
 * 2. A named precision takes the first file of that precision.
 * 3. `auto` takes the most exact one that there is.
 *
 * @throws ServerError `model_load_failed` saying what was expected and what the folder holds
 */
export function findGraphFile(
  folder: string,
  { modelFile, precision }: Pick<EmbeddingModelOptions, "modelFile" | "precision">,
): GraphFile {
  const graphs = listGraphs(folder);
  const found = (stem: string): string | undefined =>
    [`onnx/${stem}.onnx`, `${stem}.onnx`].find((name) => graphs.includes(name));

  // 1.
  if (modelFile !== null) {
    const stem = modelFile.replace(/\.onnx$/, "");
    const name = found(stem);
    if (name !== undefined) return { path: join(folder, name), name, precision: precisionOf(name) };
    throw refusal(folder, { expected: `${stem}.onnx, or onnx/${stem}.onnx`, graphs });
  }
  // 2. and 3.
  const wanted = precision === "auto" ? autoOrder : [precision];
  for (const candidate of wanted) {
    for (const stem of namesOf(candidate)) {
      const name = found(stem);
      if (name !== undefined) return { path: join(folder, name), name, precision: candidate };
    }
  }
  const names = precision === "auto" ? stems : endingsByPrecision[precision].map((ending) => `model${ending}`);
  throw refusal(folder, {
    expected: names.map((stem) => `onnx/${stem}.onnx`).join(" or ") + `, for precision '${precision}'`,
    graphs,
  });
}

function namesOf(precision: Exclude<Precision, "auto">): string[] {
  return stems.flatMap((stem) => endingsByPrecision[precision].map((ending) => stem + ending));
}

/** Relative names of all graphs, those in `onnx/` first. */
function listGraphs(folder: string): string[] {
  const kind = statSync(folder, { throwIfNoEntry: false });
  if (kind === undefined || !kind.isDirectory()) {
    const found = kind === undefined ? "nothing there" : "a file";
    throw new ServerError(
      "model_load_failed",
      `An embedding model is a folder with config.json, tokenizer.json and onnx/model.onnx; found ${found} at ${folder}.`,
    );
  }
  const names = (subfolder: string): string[] => {
    const inside = statSync(join(folder, subfolder), { throwIfNoEntry: false });
    const entries = inside?.isDirectory() === true ? readdirSync(join(folder, subfolder)) : [];
    return entries.filter((name) => name.endsWith(".onnx")).sort();
  };
  return [...names("onnx").map((name) => `onnx/${name}`), ...names(".")];
}

/** Names of the graphs of a precision without `.onnx`, preferred ones first; none for a precision that is not known. */
export function graphNamesOf(precision: string): readonly string[] {
  return Object.hasOwn(endingsByPrecision, precision) ? namesOf(precision as Exclude<Precision, "auto">) : [];
}

function precisionOf(name: string): GraphFile["precision"] {
  const stem = name.replace(/^.*\//, "").replace(/\.onnx$/, "");
  return autoOrder.find((precision) => namesOf(precision).includes(stem)) ?? "custom";
}

function refusal(
  folder: string,
  { expected, graphs }: { readonly expected: string; readonly graphs: readonly string[] },
): ServerError {
  if (graphs.length === 0) {
    return new ServerError("model_load_failed", `Expected ${expected} in ${folder}; found no .onnx file.`);
  }
  return new ServerError(
    "model_load_failed",
    `Expected ${expected} in ${folder}; found ${graphs.join(", ")}. Set 'model_file' to the one to use.`,
  );
}
