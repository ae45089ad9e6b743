// Finds out whether a graph draws random numbers when it runs. The runtime seeds them by the clock, and nothing at run time can change that.
import { FieldReader, withFile } from "./field-reader.ts";

// Field numbers of onnx.proto: ModelProto.graph, GraphProto.node, NodeProto.op_type.
const modelGraph = 7;
const graphNode = 1;
const nodeOperator = 4;

const randomOperators: ReadonlySet<string> = new Set([
  "RandomNormal",
  "RandomNormalLike",
  "RandomUniform",
  "RandomUniformLike",
  "Bernoulli",
  "Multinomial",
]);

/** `path` has been read as a graph before (`inspectGraphFile`). */
export function drawsRandomNumbers(path: string): boolean {
  return withFile(path, (file, size) => {
    const reader = new FieldReader(file);
    for (const graph of reader.fields({ start: 0, end: size }, modelGraph)) {
      for (const node of reader.fields(graph, graphNode)) {
        for (const operator of reader.fields(node, nodeOperator)) {
          if (randomOperators.has(reader.text(operator))) return true;
        }
      }
    }
    return false;
  });
}
