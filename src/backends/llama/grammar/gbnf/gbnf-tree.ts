// The syntax tree of a grammar. llama.cpp flattens groups and repetitions into rules; here they are kept.

export type GbnfElement =
  /** One or more code points that must follow in this order. */
  | { readonly kind: "literal"; readonly codePoints: readonly number[] }
  | { readonly kind: "class"; readonly ranges: readonly (readonly [number, number])[]; readonly isNegative: boolean }
  | { readonly kind: "reference"; readonly name: string; readonly offset: number }
  | { readonly kind: "group"; readonly alternatives: GbnfAlternatives }
  | { readonly kind: "repeat"; readonly item: GbnfElement; readonly min: number; readonly max: number | undefined };

export type GbnfSequence = readonly GbnfElement[];
export type GbnfAlternatives = readonly GbnfSequence[];

export interface GbnfRule {
  readonly name: string;
  /** Offset of the rule's name in the text, in UTF-16 units. */
  readonly offset: number;
  readonly alternatives: GbnfAlternatives;
}

export interface GbnfGrammar {
  readonly rules: ReadonlyMap<string, GbnfRule>;
  /** Elements after unrolling all repetitions, as llama.cpp stores them. */
  readonly expandedElements: number;
}

/** Elements that llama.cpp stores for this one, what it refers to or repeats aside. */
export function sizeOf(element: GbnfElement): number {
  if (element.kind === "literal") return element.codePoints.length;
  return element.kind === "class" ? element.ranges.length * 2 : 1;
}
