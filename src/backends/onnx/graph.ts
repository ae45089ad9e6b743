// One ONNX graph in memory. The graph itself says the types and shapes of its inputs, so no option does; results come back as float32
// whatever its precision. The runtime's `run()` returns a promise but blocks the thread, so callers yield between two runs.
import { Tensor } from "./runtime.ts";
import { ServerError } from "../../domain/errors.ts";
import { decodeFloat16, encodeFloat16 } from "./float16.ts";
import type { GraphSession } from "./graph-session.ts";

export type FloatType = "float32" | "float16";

export interface GraphInput {
  readonly name: string;
  readonly type: string;
  /** Sizes that the exporter fixed, as numbers, and names of the dimensions that it left open. */
  readonly dims: readonly (number | string)[];
}

/** Milliseconds spent inside the runtime, summed over all graphs that share the clock. */
export interface RunClock {
  runMs: number;
}

export class OnnxGraph {
  /** For messages, e.g. `unet/model.onnx`. */
  readonly name: string;
  readonly inputs: ReadonlyMap<string, GraphInput>;
  readonly outputNames: readonly string[];
  /** At least one input or output is float16. */
  readonly hasHalfPrecision: boolean;
  readonly #session: GraphSession;
  readonly #clock: RunClock;

  constructor(session: GraphSession, { name, clock }: { readonly name: string; readonly clock: RunClock }) {
    this.#session = session;
    this.#clock = clock;
    this.name = name;
    this.outputNames = session.outputNames;
    this.hasHalfPrecision = [...session.inputMetadata, ...session.outputMetadata].some(
      (value) => value.isTensor && value.type === "float16",
    );
    this.inputs = new Map(
      session.inputMetadata.map((input) => [
        input.name,
        { name: input.name, type: input.isTensor ? input.type : "no tensor", dims: input.isTensor ? input.shape : [] },
      ]),
    );
  }

  /** The execution provider in use. */
  get device(): string {
    return this.#session.device;
  }

  /** @throws ServerError `model_load_failed` where the graph lacks an input of `required`, or has one that is in neither list */
  assertInputs({
    required,
    optional = [],
  }: {
    readonly required: readonly string[];
    readonly optional?: readonly string[];
  }): void {
    const found = [...this.inputs.keys()];
    const missing = required.filter((name) => !this.inputs.has(name));
    const unknown = found.filter((name) => !required.includes(name) && !optional.includes(name));
    if (missing.length === 0 && unknown.length === 0) return;
    const expected = [...required, ...optional.map((name) => `[${name}]`)].join(", ");
    throw new ServerError(
      "model_load_failed",
      `${this.name}: expected the inputs ${expected}; found ${found.join(", ")}.`,
    );
  }

  /** The first of `names` that is an output of the graph. @throws ServerError `model_load_failed` where none is */
  outputNamed(names: readonly string[]): string {
    const found = names.find((name) => this.outputNames.includes(name));
    if (found !== undefined) return found;
    const given = this.outputNames.join(", ");
    throw new ServerError(
      "model_load_failed",
      `${this.name}: expected an output ${names.join(" or ")}; found ${given}.`,
    );
  }

  /** The type of that input. @throws ServerError `model_load_failed` where it is no float32 or float16 */
  floatTypeOf(name: string): FloatType {
    const type = this.inputs.get(name)?.type;
    if (type === "float32" || type === "float16") return type;
    throw new ServerError(
      "model_load_failed",
      `${this.name}: the input '${name}' has type ${type}, not float32 or float16.`,
    );
  }

  /** The batch that the exporter fixed for that input; 1 where the graph takes any. */
  batchOf(name: string): number {
    const size = this.inputs.get(name)?.dims[0];
    return typeof size === "number" && size > 0 ? size : 1;
  }

  async run(
    feeds: Readonly<Record<string, Tensor>>,
    outputs: readonly string[],
  ): Promise<Readonly<Record<string, Tensor>>> {
    const start = performance.now();
    const results = await this.#session.run(feeds, outputs);
    this.#clock.runMs += performance.now() - start;
    return results;
  }

  /** Runs the graph for one output, as float32. The caller may keep and overwrite the array. */
  async runToFloat32(feeds: Readonly<Record<string, Tensor>>, output: string): Promise<FloatResult> {
    const results = await this.run(feeds, [output]);
    return toFloat32(results[output], output);
  }

  /** Runs `work`, whose runs of this graph may fail: that is not held against the device. */
  attempt<T>(work: () => Promise<T>): Promise<T> {
    return this.#session.attempt(work);
  }

  async release(): Promise<void> {
    await this.#session.release();
  }
}

export interface FloatResult {
  /** Row-major. */
  readonly data: Float32Array;
  readonly dims: readonly number[];
}

/**
 * A tensor's values as float32. The runtime gives float16 as Uint16Array on Node 20 and as Float16Array on later versions: both are
 * read as bit patterns.
 * @throws ServerError `model_load_failed` for any other type
 */
export function toFloat32(tensor: Tensor | undefined, name: string): FloatResult {
  if (tensor === undefined) throw new Error(`the graph gave no output '${name}'`);
  const { data, type, dims } = tensor;
  if (type === "float32" && data instanceof Float32Array) return { data, dims };
  if (type === "float16" && ArrayBuffer.isView(data)) {
    return { data: decodeFloat16(new Uint16Array(data.buffer, data.byteOffset, data.byteLength / 2)), dims };
  }
  throw new ServerError("model_load_failed", `The output '${name}' has type ${type}, not float32 or float16.`);
}

/** A float input of fixed shape in the graph's own precision, to be written and fed many times without a new allocation. */
export class FloatBuffer {
  readonly tensor: Tensor;
  readonly #values: Float32Array;
  readonly #bits: Uint16Array | undefined;

  constructor(type: FloatType, dims: readonly number[]) {
    const length = dims.reduce((product, size) => product * size, 1);
    this.#values = new Float32Array(length);
    this.#bits = type === "float16" ? new Uint16Array(length) : undefined;
    this.tensor =
      this.#bits === undefined ? new Tensor("float32", this.#values, dims) : new Tensor("float16", this.#bits, dims);
  }

  /** Writes `values * factor` from element `offset` on. */
  write(
    values: ArrayLike<number>,
    { offset = 0, factor = 1 }: { readonly offset?: number; readonly factor?: number } = {},
  ): void {
    const target = this.#values;
    for (let i = 0; i < values.length; i++) target[offset + i] = factor * values[i]!;
    if (this.#bits === undefined) return;
    const end = offset + values.length;
    encodeFloat16(target.subarray(offset, end), this.#bits.subarray(offset, end));
  }
}

/** A tensor in the integer type of that input. @throws ServerError `model_load_failed` where the input takes no integers */
export function integerTensor(
  graph: OnnxGraph,
  {
    name,
    values,
    dims,
  }: { readonly name: string; readonly values: readonly number[]; readonly dims: readonly number[] },
): Tensor {
  const type = graph.inputs.get(name)?.type;
  if (type === "int64") return new Tensor("int64", BigInt64Array.from(values, BigInt), dims);
  if (type === "int32") return new Tensor("int32", Int32Array.from(values), dims);
  throw new ServerError(
    "model_load_failed",
    `${graph.name}: the input '${name}' has type ${type}, not int64 or int32.`,
  );
}
