// Formats that bound integers: OpenAPI's, and those that generators for Go and Rust write. Doubles cannot hold all of 64 bits: bounds are
// the nearest doubles inside.

interface IntegerFormat {
  readonly minimum: number;
  readonly maximum: number;
}

export const INTEGER_FORMATS: ReadonlyMap<string, IntegerFormat> = new Map([
  ["int8", signed(8)],
  ["int16", signed(16)],
  ["int32", signed(32)],
  ["int64", { minimum: -(2 ** 63), maximum: 2 ** 63 - 1024 }],
  ["uint8", unsigned(8)],
  ["uint16", unsigned(16)],
  ["uint32", unsigned(32)],
  ["uint64", { minimum: 0, maximum: 2 ** 64 - 2048 }],
]);

function signed(bits: number): IntegerFormat {
  return { minimum: -(2 ** (bits - 1)), maximum: 2 ** (bits - 1) - 1 };
}

function unsigned(bits: number): IntegerFormat {
  return { minimum: 0, maximum: 2 ** bits - 1 };
}
