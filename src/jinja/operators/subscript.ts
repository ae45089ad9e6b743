// `value[index]` and `value[start:stop:step]` on sequences.
import { typeError, valueError } from "../errors.ts";
import { hasSurrogates, offsetsOf } from "../values/text/code-points.ts";
import { Bytes, PyRange } from "../values/collections.ts";
import { TextBuilder } from "../values/text/text-builder.ts";
import { isMarkup, isText, plain, sliceText, withMarkup, type PyString } from "../values/text/text.ts";
import { present, typeName } from "../values/types.ts";
import { isInteger, List, Tuple, type Run, type Value } from "../values/value.ts";

/** `text[index]`; undefined beyond its ends. */
export function characterAt(run: Run, text: PyString, index: number): PyString | undefined {
  const characters = plain(text);
  if (!hasSurrogates(characters)) {
    run.budget.steps(1 + characters.length / 256);
    const offset = index < 0 ? index + characters.length : index;
    return offset >= 0 && offset < characters.length ? sliceText(text, offset, offset + 1) : undefined;
  }
  run.budget.steps(characters.length / 8);
  const offsets = offsetsOf(characters);
  const position = index < 0 ? index + offsets.length - 1 : index;
  const start = offsets[position];
  const end = offsets[position + 1];
  return start === undefined || end === undefined ? undefined : sliceText(text, start, end);
}

export interface SliceBounds {
  readonly start: Value;
  readonly stop: Value;
  readonly step: Value;
}

/** `value[start:stop:step]`. */
export function slice(run: Run, value: Value, bounds: SliceBounds): Value {
  if (isText(value)) return sliceString(run, value, bounds);
  if (value instanceof List || value instanceof Tuple) {
    const { start, step, count } = resolve(bounds, value.items.length);
    run.budget.items(count);
    const items =
      step === 1
        ? value.items.slice(start, start + count)
        : Array.from({ length: count }, (_, index) => value.items[start + index * step] as Value);
    return value instanceof List ? new List(items) : new Tuple(items);
  }
  if (value instanceof PyRange) {
    const { start, stop, step } = resolve(bounds, value.size);
    return new PyRange(value.at(start), value.at(stop), value.step * step);
  }
  if (value instanceof Bytes) {
    const { start, step, count } = resolve(bounds, value.bytes.length);
    const bytes = Uint8Array.from({ length: count }, (_, index) => value.bytes[start + index * step] as number);
    return new Bytes(bytes, value.isCallers);
  }
  if (typeName(present(value)) === "dict") throw typeError("unhashable type: 'slice'");
  throw typeError(`'${typeName(value)}' object is not subscriptable`);
}

function sliceString(run: Run, text: PyString, bounds: SliceBounds): PyString {
  const characters = plain(text);
  const offsets = hasSurrogates(characters) ? offsetsOf(characters) : undefined;
  run.budget.steps(characters.length / 64);
  const { start, step, count } = resolve(bounds, offsets === undefined ? characters.length : offsets.length - 1);
  const offset = (index: number): number => (offsets === undefined ? index : (offsets[index] as number));
  run.budget.text(count);
  if (step === 1) return sliceText(text, offset(start), offset(start + count));
  const builder = new TextBuilder(run.budget);
  for (let index = 0; index < count; index += 1) {
    const from = start + index * step;
    builder.add(sliceText(text, offset(from), offset(from + 1)));
  }
  return withMarkup(builder.finish(), isMarkup(text));
}

interface Resolved {
  readonly start: number;
  readonly stop: number;
  readonly step: number;
  readonly count: number;
}

/** The bounds within a sequence of that length, as Python's `slice.indices` gives them. */
function resolve(bounds: SliceBounds, length: number): Resolved {
  const step = bounds.step === null ? 1 : toIndex(bounds.step);
  if (step === 0) throw valueError("slice step cannot be zero");
  const lowest = step < 0 ? -1 : 0;
  const highest = step < 0 ? length - 1 : length;
  const clamp = (bound: Value, usual: number): number => {
    if (bound === null) return usual;
    const index = toIndex(bound);
    return Math.min(Math.max(index < 0 ? index + length : index, lowest), highest);
  };
  const start = clamp(bounds.start, step < 0 ? highest : lowest);
  const stop = clamp(bounds.stop, step < 0 ? lowest : highest);
  return { start, stop, step, count: Math.max(0, Math.ceil((stop - start) / step)) };
}

function toIndex(value: Value): number {
  if (isInteger(value)) return Math.max(-(2 ** 52), Math.min(2 ** 52, Number(value)));
  throw typeError("slice indices must be integers or None or have an __index__ method");
}
