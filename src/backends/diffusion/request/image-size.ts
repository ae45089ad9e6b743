// Chooses the size of a picture: which sizes a model accepts, and which it generates for them.
import { ServerError } from "../../../domain/errors.ts";
import type { ImageSize } from "../../../domain/image.ts";

export interface SizeRules {
  /** Sides that a request may ask for are multiples of this. */
  readonly multiple: number;
  /** Sides that the model can generate are multiples of this. */
  readonly generatedMultiple: number;
  readonly minSize: number;
  readonly maxSize: number;
  readonly defaultSize: ImageSize;
  /** The one size that a request may ask for, where the graph was exported for it. */
  readonly onlySize: ImageSize | undefined;
  /** Side of the square whose area a small model generates, to be resampled afterwards; 0 = it generates the size asked for. */
  readonly nativeSize: number;
}

export interface ChosenSize {
  /** Size of the file. */
  readonly output: ImageSize;
  /** Size that the model generates. */
  readonly generated: ImageSize;
}

/**
 * @param asked `null` = the model's default
 * @throws ServerError `invalid_value` naming sizes that work
 */
export function chooseSize(asked: ImageSize | null, rules: SizeRules): ChosenSize {
  const output = asked ?? rules.defaultSize;
  if (asked !== null) assertSize(asked, rules);
  if (rules.nativeSize === 0) return { output, generated: output };
  return { output, generated: nativeFor(output, rules) };
}

/** The proportions of an uploaded picture, at the area of the default size and with sides that a request may ask for. */
export function sizeLike(picture: ImageSize, rules: SizeRules): ImageSize {
  if (rules.onlySize !== undefined) return rules.onlySize;
  const { width, height } = rules.defaultSize;
  const factor = Math.sqrt((width * height) / (picture.width * picture.height));
  return {
    width: nearestSide(picture.width * factor, rules),
    height: nearestSide(picture.height * factor, rules),
  };
}

function assertSize(asked: ImageSize, rules: SizeRules): void {
  const { onlySize, multiple, minSize, maxSize } = rules;
  if (onlySize !== undefined) {
    if (asked.width === onlySize.width && asked.height === onlySize.height) return;
    throw refusal(asked, { rule: "this model was exported for one size only", works: [onlySize] });
  }
  const fits = (side: number): boolean => side % multiple === 0 && side >= minSize && side <= maxSize;
  if (fits(asked.width) && fits(asked.height)) return;
  const near = { width: nearestSide(asked.width, rules), height: nearestSide(asked.height, rules) };
  const rule = `width and height must be multiples of ${multiple} from ${minSize} to ${maxSize}`;
  throw refusal(asked, { rule, works: [near, rules.defaultSize] });
}

function refusal(
  asked: ImageSize,
  { rule, works }: { readonly rule: string; readonly works: readonly ImageSize[] },
): ServerError {
  const names = [...new Set(works.map(({ width, height }) => `${width}x${height}`))];
  return new ServerError("invalid_value", {
    message: `Invalid size ${asked.width}x${asked.height}: ${rule}. Sizes that work: ${names.join(", ")}.`,
    param: "size",
  });
}

function nearestSide(side: number, { multiple, minSize, maxSize }: SizeRules): number {
  const lowest = Math.ceil(minSize / multiple);
  const highest = Math.floor(maxSize / multiple);
  return Math.min(highest, Math.max(lowest, Math.round(side / multiple))) * multiple;
}

/** The native area in the proportions asked for. */
function nativeFor(output: ImageSize, { nativeSize, generatedMultiple: multiple }: SizeRules): ImageSize {
  const proportion = Math.sqrt(output.width / output.height);
  const side = (length: number): number => Math.max(1, Math.round(length / multiple)) * multiple;
  return { width: side(nativeSize * proportion), height: side(nativeSize / proportion) };
}
