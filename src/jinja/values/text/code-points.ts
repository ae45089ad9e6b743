// Python counts characters, JavaScript counts UTF-16 units. Positions are turned into one another here, at no cost where a string has
// no pair of surrogates.

const surrogate = /[\ud800-\udfff]/;

/** True where characters and UTF-16 units are not the same. */
export function hasSurrogates(text: string): boolean {
  return surrogate.test(text);
}

/** Python's `len()`. */
export function codePointLength(text: string): number {
  if (!hasSurrogates(text)) return text.length;
  let count = 0;
  for (const _ of text) count += 1;
  return count;
}

/** The UTF-16 offset of each character, and of the end. */
export function offsetsOf(text: string): number[] {
  const offsets = [0];
  let offset = 0;
  for (const character of text) {
    offset += character.length;
    offsets.push(offset);
  }
  return offsets;
}

/** How many characters stand before the UTF-16 offset. */
export function codePointIndex(text: string, offset: number): number {
  return codePointLength(text.slice(0, offset));
}

/** Less than, equal to or greater than 0 as Python orders the strings: by code points. */
export function compareCodePoints(left: string, right: string): number {
  const shared = Math.min(left.length, right.length);
  for (let index = 0; index < shared; index += 1) {
    const one = left.charCodeAt(index);
    const other = right.charCodeAt(index);
    if (one !== other) return rank(one) - rank(other);
  }
  return left.length - right.length;
}

/** Puts the halves of surrogate pairs behind all other units, as the characters that they are halves of. */
function rank(unit: number): number {
  return unit >= 0xd800 && unit <= 0xdfff ? unit + 0x10000 : unit;
}
