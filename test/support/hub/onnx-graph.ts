// ONNX graphs with nothing in them but the names of the files that hold their weights.

/** The bytes of a graph whose tensors lie in the named files; without names, in none. */
export function graphWithWeightsIn(...names: readonly string[]): Buffer {
  // ModelProto.graph (7) > GraphProto.initializer (5) > TensorProto.external_data (13) > StringStringEntryProto.key (1), value (2).
  const tensors = names.map((name) =>
    field(5, field(13, Buffer.concat([field(1, Buffer.from("location")), field(2, Buffer.from(name))]))),
  );
  return Buffer.concat([field(2, Buffer.from("test")), field(7, Buffer.concat(tensors))]);
}

function field(number: number, content: Buffer): Buffer {
  if (content.length > 127) throw new Error("These graphs are small.");
  return Buffer.concat([Buffer.from([(number << 3) | 2, content.length]), content]);
}
