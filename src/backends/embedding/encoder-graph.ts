// Runs an encoder's ONNX graph on batches of token ids. Its inputs, their types and the output to use are read from the graph itself, so
// no option says them.
import { Tensor } from "../onnx/runtime.ts";
import { ServerError } from "../../domain/errors.ts";
import { decodeFloat16 } from "../onnx/float16.ts";
import { cacheInput, cacheSwitch, encoderInputs } from "../../model-files/encoder/encoder-folder.ts";
import type { GraphSession } from "../onnx/graph-session.ts";
import type { EncodedText } from "./text/encode-text.ts";

/** The output of a micro-batch. Valid until the next one, as buffers are reused. */
export interface GraphOutput {
  /** Row-major, float32 whatever the graph's precision. */
  readonly data: Float32Array;
  /** [batch, sequence, dimensions], [batch, dimensions] or [batch, labels]. */
  readonly dims: readonly number[];
  /** [batch, sequence]; 1 = token, 0 = padding. */
  readonly mask: Uint8Array;
}

export interface EncoderGraphOptions {
  readonly padId: number;
  /** Value of `token_type_ids` for the second text of a pair. */
  readonly secondSegment: number;
  /** Value of `position_ids` for the first token. */
  readonly firstPosition: number;
  /** Heads and their width in a decoder's cache, where the graph leaves them open. */
  readonly cacheHeads: number | undefined;
  readonly cacheWidth: number | undefined;
}

type KnownInput = (typeof encoderInputs)[number];
type InputMetadata = GraphSession["inputMetadata"][number];

/** Makes an input that is the same for all texts, for a batch of so many. */
interface FixedInput {
  readonly name: string;
  readonly tensor: (batch: number) => Tensor;
}

export class EncoderGraph {
  readonly #session: GraphSession;
  readonly #options: EncoderGraphOptions;
  readonly #inputs: readonly { readonly name: KnownInput; readonly buffer: IntegerBuffer }[];
  readonly #fixed: readonly FixedInput[];
  readonly #outputName: string;
  #mask = new Uint8Array(0);
  #decoded = new Float32Array(0);

  /** @throws ServerError `model_load_failed` for a graph with inputs that no encoder has */
  constructor(session: GraphSession, options: EncoderGraphOptions & { readonly output: string }) {
    this.#session = session;
    this.#options = options;
    const isFixed = ({ name }: InputMetadata): boolean => cacheInput.test(name) || name === cacheSwitch;
    this.#fixed = session.inputMetadata.filter(isFixed).map((input) => fixedInput(input, options));
    this.#inputs = session.inputMetadata
      .filter((input) => !isFixed(input))
      .map((input) => {
        const name = encoderInputs.find((known) => known === input.name);
        if (name === undefined || !input.isTensor || (input.type !== "int64" && input.type !== "int32")) {
          throw new ServerError(
            "model_load_failed",
            `The graph has the input '${input.name}'; an encoder has ${encoderInputs.join(", ")}, as int64 or int32.`,
          );
        }
        return { name, buffer: new IntegerBuffer(input.type) };
      });
    this.#outputName = options.output;
  }

  /** Runs one micro-batch. Calls must not overlap. */
  async run(texts: readonly EncodedText[]): Promise<GraphOutput> {
    const batch = texts.length;
    const sequence = texts.reduce((longest, text) => Math.max(longest, text.ids.length), 1);
    const feeds: Record<string, Tensor> = {};
    for (const { name, buffer } of this.#inputs) {
      this.#fill(buffer.words(batch * sequence), { name, texts, sequence, stride: buffer.stride });
      feeds[name] = buffer.tensor([batch, sequence]);
    }
    for (const { name, tensor } of this.#fixed) feeds[name] = tensor(batch);
    const outputs = await this.#session.run(feeds, [this.#outputName]);
    const output = outputs[this.#outputName];
    if (output === undefined) throw new Error(`The graph gave no output '${this.#outputName}'.`);
    return { data: this.#toFloat32(output), dims: output.dims, mask: this.#maskOf(texts, sequence) };
  }

  async release(): Promise<void> {
    await this.#session.release();
  }

  /** Writes the low words of [batch, sequence] values; `stride` is 2 for int64, whose high words stay zero. */
  #fill(
    words: Int32Array,
    {
      name,
      texts,
      sequence,
      stride,
    }: { name: KnownInput; texts: readonly EncodedText[]; sequence: number; stride: number },
  ): void {
    const { padId, secondSegment, firstPosition } = this.#options;
    words.fill(0);
    for (const [row, text] of texts.entries()) {
      const start = row * sequence;
      for (let column = 0; column < sequence; column++) {
        const id = text.ids[column];
        words[(start + column) * stride] = valueOf(name, { id, column, text, padId, secondSegment, firstPosition });
      }
    }
  }

  #maskOf(texts: readonly EncodedText[], sequence: number): Uint8Array {
    const size = texts.length * sequence;
    if (this.#mask.length < size) this.#mask = new Uint8Array(size);
    const mask = this.#mask.subarray(0, size).fill(0);
    for (const [row, text] of texts.entries()) mask.fill(1, row * sequence, row * sequence + text.ids.length);
    return mask;
  }

  /** The runtime gives float16 as Uint16Array on Node 20 and as Float16Array on later versions: both are read as bit patterns. */
  #toFloat32(output: Tensor): Float32Array {
    const { data, type } = output;
    if (type === "float32" && data instanceof Float32Array) return data;
    if (type === "float16" && ArrayBuffer.isView(data)) {
      const bits = new Uint16Array(data.buffer, data.byteOffset, data.byteLength / 2);
      if (this.#decoded.length < bits.length) this.#decoded = new Float32Array(bits.length);
      return decodeFloat16(bits, this.#decoded.subarray(0, bits.length));
    }
    if (type === "float64" && data instanceof Float64Array) return Float32Array.from(data);
    throw new ServerError("model_load_failed", `The output '${this.#outputName}' has type ${type}, not a float type.`);
  }
}

/** The cache of earlier tokens, of which there are none, and the switch that says so. */
function fixedInput(input: InputMetadata, { cacheHeads, cacheWidth }: EncoderGraphOptions): FixedInput {
  const { name } = input;
  if (name === cacheSwitch) return { name, tensor: () => new Tensor("bool", [false], [1]) };
  const [, heads, , width] = input.isTensor ? input.shape : [];
  const [rows, columns] = [sizeOr(heads, cacheHeads), sizeOr(width, cacheWidth)];
  const isFloat = input.isTensor && (input.type === "float32" || input.type === "float16");
  if (!isFloat || input.shape.length !== 4 || rows === undefined || columns === undefined) {
    throw new ServerError(
      "model_load_failed",
      `The graph's cache has the input '${name}' of a form that is not known; expected floats [batch, heads, tokens, width].`,
    );
  }
  const dims = (batch: number): number[] => [batch, rows, 0, columns];
  return input.type === "float32"
    ? { name, tensor: (batch) => new Tensor("float32", new Float32Array(0), dims(batch)) }
    : { name, tensor: (batch) => new Tensor("float16", new Uint16Array(0), dims(batch)) };
}

function sizeOr(size: number | string | undefined, fallback: number | undefined): number | undefined {
  return typeof size === "number" && size > 0 ? size : fallback;
}

interface TokenPlace {
  /** `undefined` = padding. */
  readonly id: number | undefined;
  readonly column: number;
  readonly text: EncodedText;
  readonly padId: number;
  readonly secondSegment: number;
  readonly firstPosition: number;
}

function valueOf(name: KnownInput, { id, column, text, padId, secondSegment, firstPosition }: TokenPlace): number {
  switch (name) {
    case "input_ids":
      return id ?? padId;
    case "attention_mask":
      return id === undefined ? 0 : 1;
    case "token_type_ids":
      return id !== undefined && column >= text.secondAt ? secondSegment : 0;
    case "position_ids":
      // Padding needs a position that exists; which one has no effect.
      return id === undefined ? firstPosition : firstPosition + column;
  }
}

/** An int64 or int32 input buffer that is reused and grows on demand, so that micro-batches allocate no inputs. */
class IntegerBuffer {
  readonly stride: 1 | 2;
  #words = new Int32Array(0);

  constructor(type: "int64" | "int32") {
    this.stride = type === "int64" ? 2 : 1;
  }

  /** The 32-bit words of `count` values. The low word of an int64 comes first: every supported platform is little-endian. */
  words(count: number): Int32Array {
    if (this.#words.length < count * this.stride) this.#words = new Int32Array(count * this.stride);
    return this.#words.subarray(0, count * this.stride);
  }

  tensor(dims: readonly number[]): Tensor {
    const count = dims.reduce((product, size) => product * size, 1);
    return this.stride === 2
      ? new Tensor("int64", new BigInt64Array(this.#words.buffer, 0, count), dims)
      : new Tensor("int32", this.#words.subarray(0, count), dims);
  }
}
