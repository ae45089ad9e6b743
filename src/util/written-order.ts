// The order in which the keys of JSON objects were written. JavaScript puts keys such as "2" and "10" first, in ascending order, and so
// does JSON.parse; who writes {"b": 1, "2": 2} may have meant that order.
import { isRecord } from "./is-record.ts";

/** Keys as they were written, by the JSON pointer (RFC 6901) to their object; only of objects that JavaScript orders otherwise. */
export type WrittenOrder = Readonly<Record<string, readonly string[]>>;

const written = new WeakMap<object, readonly string[]>();
const integerKey = /"\d{1,10}"\s*:/;

/** `JSON.parse`, which notes the written order where it is lost. */
export function parseJson(text: string): unknown {
  const value: unknown = JSON.parse(text);
  if (integerKey.test(text)) noteOrder(text, value);
  return value;
}

/** The written order of all objects in a value, or `undefined` where it is that of their keys. */
export function writtenOrder(value: unknown): WrittenOrder | undefined {
  const found: Record<string, readonly string[]> = {};
  const visit = (inner: unknown, pointer: string): void => {
    if (typeof inner !== "object" || inner === null) return;
    const keys = written.get(inner);
    if (keys !== undefined) found[pointer] = keys;
    for (const [key, child] of Object.entries(inner)) {
      visit(child, `${pointer}/${key.replaceAll("~", "~0").replaceAll("/", "~1")}`);
    }
  };
  visit(value, "");
  return Object.keys(found).length === 0 ? undefined : found;
}

interface Frame {
  /** The object or the list; another value where a key is there twice and its last value is of another type. */
  readonly value: unknown;
  readonly keys: string[] | undefined;
  /** The key or the index whose value comes next. */
  at: string | number;
  isKeyNext: boolean;
}

/** `text` must be valid. Goes over it once, without recursion: callers choose how deep it is. */
function noteOrder(text: string, root: unknown): void {
  const frames: Frame[] = [];
  for (let at = 0; at < text.length; at += 1) {
    const frame = frames.at(-1);
    switch (text[at]) {
      case '"': {
        const end = stringEnd(text, at);
        if (frame?.keys !== undefined && frame.isKeyNext) {
          frame.at = JSON.parse(text.slice(at, end + 1)) as string;
          frame.keys.push(frame.at);
          frame.isKeyNext = false;
        }
        at = end;
        break;
      }
      case "{":
      case "[": {
        const isObject = text[at] === "{";
        const value = frame === undefined ? root : childOf(frame);
        frames.push({ value, keys: isObject ? [] : undefined, at: 0, isKeyNext: isObject });
        break;
      }
      case ",":
        if (frame?.keys !== undefined) frame.isKeyNext = true;
        else if (frame !== undefined) frame.at = Number(frame.at) + 1;
        break;
      case "}":
      case "]":
        frames.pop();
        if (frame?.keys !== undefined && isRecord(frame.value)) keep(frame.value, [...new Set(frame.keys)]);
        break;
      default:
    }
  }
}

function keep(object: Record<string, unknown>, keys: readonly string[]): void {
  const own = Object.keys(object);
  if (own.length === keys.length && own.some((key, index) => key !== keys[index])) written.set(object, keys);
}

function childOf({ value, at }: Frame): unknown {
  if (Array.isArray(value)) return (value as unknown[])[Number(at)];
  return isRecord(value) && Object.hasOwn(value, at) ? value[at] : undefined;
}

/** Offset of the quote that ends the string. */
function stringEnd(text: string, start: number): number {
  for (let end = text.indexOf('"', start + 1); ; end = text.indexOf('"', end + 1)) {
    let backslashes = 0;
    while (text[end - 1 - backslashes] === "\\") backslashes += 1;
    if (backslashes % 2 === 0) return end;
  }
}
