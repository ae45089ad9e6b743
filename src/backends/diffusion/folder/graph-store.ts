// Keeps the pipeline's graphs in memory: all of them, or with `lowMemory` only those in use, so that a large model fits a small machine.
import { relative } from "node:path";
import { ServerError } from "../../../domain/errors.ts";
import type { DiffusionFolder, GraphName } from "./model-folder.ts";
import { OnnxGraph, type RunClock } from "../../onnx/graph.ts";
import type { GraphPart, SessionOpener } from "../../onnx/session.ts";

export interface GraphStore {
  /** Time inside the runtime, over all graphs, since the model was loaded. */
  readonly clock: RunClock;
  /**
   * The graph, opened if it is not. With `lowMemory` all graphs but this one and those in `beside` are released first, so a graph is
   * valid until the next call that does not name it. Calls must not overlap.
   * @throws ServerError `model_load_failed` where the folder has no such graph or it cannot be opened
   */
  get(name: GraphName, beside?: readonly GraphName[]): Promise<OnnxGraph>;
  release(): Promise<void>;
}

export function createGraphStore(
  folder: DiffusionFolder,
  {
    opener,
    lowMemory,
    partOf,
  }: {
    readonly opener: SessionOpener;
    readonly lowMemory: boolean;
    readonly partOf: (name: GraphName) => GraphPart;
  },
): GraphStore {
  const clock: RunClock = { runMs: 0 };
  const open = new Map<GraphName, OnnxGraph>();

  async function releaseAllBut(kept: readonly GraphName[]): Promise<void> {
    for (const [name, graph] of open) {
      if (kept.includes(name)) continue;
      open.delete(name);
      await graph.release();
    }
  }

  return {
    clock,
    async get(name, beside = []) {
      if (lowMemory) await releaseAllBut([name, ...beside]);
      const existing = open.get(name);
      if (existing !== undefined) return existing;
      const path = folder.graphs.get(name);
      if (path === undefined) throw new ServerError("model_load_failed", `${folder.path} has no ${name}/model.onnx.`);
      const graph = new OnnxGraph(await opener.open(path, partOf(name)), { name: relative(folder.path, path), clock });
      open.set(name, graph);
      return graph;
    },
    release: () => releaseAllBut([]),
  };
}
