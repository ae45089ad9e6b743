// Finds the graph of an encoder's folder. Layouts are those that intfloat, Xenova, onnx-community and sentence-transformers publish:
// graphs in `onnx/` or beside the configuration, with the precision in the file's name.
import { readdir, stat } from "node:fs/promises";
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

/** File names by precision, preferred ones first. The dtype suffixes are those of transformers.js, the others those of optimum. */
const namesByPrecision: Readonly<Record<Exclude<Precision, "auto">, readonly string[]>> = {
  fp32: ["model", "model_O3", "model_O2", "model_O1"],
  fp16: ["model_fp16", "model_O4"],
  int8: ["model_int8", "model_qint8_avx512_vnni", "model_qint8_avx512", "model_qint8_arm64", "model_quantized"],
  q8: ["model_quantized", "model_int8"],
  uint8: ["model_uint8", "model_quint8_avx2"],
  q4: ["model_q4"],
  q4f16: ["model_q4f16"],
  bnb4: ["model_bnb4"],
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
export async function findGraphFile(
  folder: string,
  { modelFile, precision }: Pick<EmbeddingModelOptions, "modelFile" | "precision">,
): Promise<GraphFile> {
  const graphs = await listGraphs(folder);
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
    for (const stem of namesByPrecision[candidate]) {
      const name = found(stem);
      if (name !== undefined) return { path: join(folder, name), name, precision: candidate };
    }
  }
  const stems = precision === "auto" ? ["model"] : namesByPrecision[precision];
  throw refusal(folder, {
    expected: stems.map((stem) => `onnx/${stem}.onnx`).join(" or ") + `, for precision '${precision}'`,
    graphs,
  });
}

/** Relative names of all graphs, those in `onnx/` first. */
async function listGraphs(folder: string): Promise<string[]> {
  const kind = await stat(folder).catch(() => undefined);
  if (kind === undefined || !kind.isDirectory()) {
    const found = kind === undefined ? "nothing there" : "a file";
    throw new ServerError(
      "model_load_failed",
      `An embedding model is a folder with config.json, tokenizer.json and onnx/model.onnx; found ${found} at ${folder}.`,
    );
  }
  const names = async (subfolder: string): Promise<string[]> => {
    const entries = await readdir(join(folder, subfolder)).catch(() => []);
    return entries.filter((name) => name.endsWith(".onnx")).sort();
  };
  return [...(await names("onnx")).map((name) => `onnx/${name}`), ...(await names("."))];
}

/** Names of the graphs of a precision without `.onnx`, preferred ones first; none for a precision that is not known. */
export function graphNamesOf(precision: string): readonly string[] {
  return Object.hasOwn(namesByPrecision, precision) ? namesByPrecision[precision as keyof typeof namesByPrecision] : [];
}

function precisionOf(name: string): GraphFile["precision"] {
  const stem = name.replace(/^.*\//, "").replace(/\.onnx$/, "");
  return autoOrder.find((precision) => namesByPrecision[precision].includes(stem)) ?? "custom";
}

function refusal(
  folder: string,
  { expected, graphs }: { readonly expected: string; readonly graphs: readonly string[] },
): ServerError {
  const found = graphs.length === 0 ? "no .onnx file" : graphs.join(", ");
  return new ServerError("model_load_failed", `Expected ${expected} in ${folder}; found ${found}.`);
}
