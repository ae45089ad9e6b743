// JSON values whose objects keep the order in which their keys were written, where JavaScript would change it: such objects are Maps.
import { parseJson, writtenOrder, type WrittenOrder } from "./written-order.ts";

/** The value with a Map in the place of each object that `order` names. Keys that it does not name stand behind those that it does. */
export function inWrittenOrder(value: unknown, order: WrittenOrder | undefined, pointer = ""): unknown {
  if (order === undefined || typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) return value.map((item, index) => inWrittenOrder(item, order, `${pointer}/${index}`));
  // Instances of classes, such as numbers that are more than JavaScript's, are no objects of JSON.
  if (Object.getPrototypeOf(value) !== Object.prototype) return value;
  const record = value as Readonly<Record<string, unknown>>;
  const entryOf = (key: string): [string, unknown] => [
    key,
    inWrittenOrder(record[key], order, `${pointer}/${key.replaceAll("~", "~0").replaceAll("/", "~1")}`),
  ];
  const listed = order[pointer];
  if (listed === undefined) return Object.fromEntries(Object.keys(record).map(entryOf));
  const named = listed.filter((key) => Object.hasOwn(record, key));
  const others = Object.keys(record).filter((key) => !listed.includes(key));
  return new Map([...named, ...others].map(entryOf));
}

/** JSON text as a value in the order in which its keys were written. `read` may read numbers in a way of its own. */
export function readInWrittenOrder(text: string, read: (text: string) => unknown = JSON.parse): unknown {
  return inWrittenOrder(read(text), writtenOrder(parseJson(text)));
}

/** The entries of an object or a Map, in order. */
export function entriesOf(value: object): [string, unknown][] {
  return value instanceof Map ? [...(value as ReadonlyMap<string, unknown>)] : Object.entries(value);
}

export interface JsonTextOptions {
  /** Blanks of each level; 0 = all in one line. @default 0 */
  readonly indent?: number;
  /** The text of an object that is no value of JSON, such as a number of a class of its own. */
  readonly other?: (value: object) => string | undefined;
}

/** `JSON.stringify` for values with Maps and bigints in them. */
export function orderedJson(value: unknown, { indent = 0, other = () => undefined }: JsonTextOptions = {}): string {
  const step = " ".repeat(indent);
  const afterKey = indent === 0 ? ":" : ": ";
  const write = (inner: unknown, margin: string): string => {
    if (typeof inner === "bigint") return String(inner);
    if (typeof inner !== "object" || inner === null) return JSON.stringify(inner);
    const own = other(inner);
    if (own !== undefined) return own;
    const deeper = indent === 0 ? "" : margin + step;
    if (Array.isArray(inner)) {
      return around(
        "[]",
        inner.map((item) => write(item, deeper)),
        { margin, deeper },
      );
    }
    const entries = entriesOf(inner).filter(([, item]) => item !== undefined);
    const members = entries.map(([key, item]) => `${JSON.stringify(key)}${afterKey}${write(item, deeper)}`);
    return around("{}", members, { margin, deeper });
  };
  return write(value, indent === 0 ? "" : "\n");
}

function around(
  brackets: string,
  items: readonly string[],
  { margin, deeper }: { readonly margin: string; readonly deeper: string },
): string {
  const [open, close] = brackets;
  if (items.length === 0) return brackets;
  return `${open}${deeper}${items.join(`,${deeper}`)}${margin}${close}`;
}
