// Finds the files in which an ONNX graph keeps its weights. They are named in the graph only, and by many names (`model.onnx_data`,
// `model.onnx.data`, `weights.pb`), so a listing alone cannot tell which files a model needs.
import { join } from "node:path";
import { ServerError } from "../../domain/errors.ts";
import { inspectGraphNames } from "../../model-files/onnx/graph-weights.ts";
import { HubFailure } from "../failures.ts";

/**
 * Paths of the weights, like the graph's own path relative to `folder`, which holds the graph.
 * @throws HubFailure `unsupported` where the file is no ONNX graph
 */
export function externalWeights(folder: string, graph: string): string[] {
  const parent = graph.includes("/") ? graph.slice(0, graph.lastIndexOf("/") + 1) : "";
  try {
    const names = inspectGraphNames(join(folder, ...graph.split("/")));
    return names.map((name) => `${parent}${name.replace(/^\.\//, "")}`);
  } catch (error) {
    if (!(error instanceof ServerError)) throw error;
    throw new HubFailure("unsupported", { message: `${graph} is not an ONNX graph.` }, { cause: error });
  }
}

/** The failure for weights that a graph names and its repository lacks. */
export function missingWeights(
  graph: string,
  { path, repository }: { readonly path: string; readonly repository: string },
) {
  return new HubFailure("missing-file", {
    message: `The weights of ${graph} lie in ${path}, and ${repository} has no such file.`,
    remedy: "Choose another variant or repository.",
  });
}
