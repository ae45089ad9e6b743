// Graphs in protobuf's wire format, whole and broken.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { inspectGraphFile } from "../../../../src/model-files/onnx/graph-weights.ts";
import { temporaryFolder } from "../../../support/temporary-folder.ts";

const folder = temporaryFolder("onnx");

function varint(value: number): Buffer {
  const bytes: number[] = [];
  for (let rest = value; ; rest = Math.floor(rest / 128)) {
    if (rest < 128) return Buffer.from([...bytes, rest]);
    bytes.push((rest % 128) + 128);
  }
}

function field(number: number, content: Buffer | string): Buffer {
  const bytes = Buffer.from(content as string);
  return Buffer.concat([varint(number * 8 + 2), varint(bytes.length), bytes]);
}

const number = (id: number, value: number): Buffer => Buffer.concat([varint(id * 8), varint(value)]);
const entry = (key: string, value: string): Buffer => field(13, Buffer.concat([field(1, key), field(2, value)]));
const tensor = (...parts: readonly Buffer[]): Buffer => field(5, Buffer.concat([field(8, "w"), ...parts]));

function write(name: string, bytes: Buffer): string {
  writeFileSync(join(folder, name), bytes);
  return join(folder, name);
}

/** ir_version, graph, opset_import. */
function graph(...initializers: readonly Buffer[]): Buffer {
  const fixed = Buffer.concat([varint(2 * 8 + 5), Buffer.alloc(4), varint(3 * 8 + 1), Buffer.alloc(8)]);
  return Buffer.concat([number(1, 8), field(7, Buffer.concat([fixed, ...initializers])), field(8, number(2, 17))]);
}

describe("inspectGraphFile", () => {
  it("counts a graph with its weights inside, however large its tensors are", () => {
    const bytes = graph(tensor(field(9, Buffer.alloc(300_000))), tensor(field(9, Buffer.alloc(70_000))));
    expect(inspectGraphFile(write("inside.onnx", bytes))).toMatchObject({
      graphBytes: bytes.length,
      externalBytes: 0,
      externalFiles: [],
    });
  });

  it("finds every file of external data once, behind tensors of any size", () => {
    write("a.data", Buffer.alloc(1000));
    write("b.data", Buffer.alloc(24));
    const path = write(
      "outside.onnx",
      graph(
        tensor(field(9, Buffer.alloc(200_000))),
        tensor(entry("location", "b.data"), entry("offset", "0"), entry("length", "24")),
        tensor(entry("location", "a.data")),
        tensor(entry("location", "a.data")),
      ),
    );
    expect(inspectGraphFile(path)).toMatchObject({ externalBytes: 1024, externalFiles: ["a.data", "b.data"] });
  });

  it("changes the fingerprint when the weights change, inside or outside", () => {
    const outside = write("print.onnx", graph(tensor(entry("location", "c.data"))));
    const prints = [Buffer.from("one"), Buffer.from("two")].map((bytes) => {
      write("c.data", bytes);
      return inspectGraphFile(outside).fingerprint;
    });
    const inside = inspectGraphFile(write("other.onnx", graph(tensor(field(9, "x"))))).fingerprint;
    expect(new Set([...prints, inside]).size).toBe(3);
  });

  it("names a file of weights that is missing", () => {
    const path = write("missing.onnx", graph(tensor(entry("location", "nowhere.data"))));
    expect(() => inspectGraphFile(path)).toThrow(
      expect.objectContaining({ kind: "model_load_failed", message: expect.stringContaining("'nowhere.data'") }),
    );
  });

  it.each([
    ["cut off", graph(tensor(field(9, Buffer.alloc(500)))).subarray(0, 300)],
    ["something else", Buffer.from("PK\u0003\u0004 no graph at all, this is a longer text")],
    ["a number without an end", Buffer.alloc(20, 0xff)],
    ["a name that is no name", graph(tensor(entry("location", "x".repeat(10_000))))],
  ])("refuses a graph that is %s", (name, bytes) => {
    expect(() => inspectGraphFile(write(`${name}.onnx`, bytes))).toThrow(
      expect.objectContaining({ kind: "model_load_failed", message: expect.stringContaining("is not an ONNX graph") }),
    );
  });
});
