// Resolves `$ref`, `allOf`, `anyOf` and `oneOf` of a set of schemas: the result are alternatives, each a set of plain schemas that must
// hold together.
import { DEPENDENT_KEYWORDS, dependentCases } from "./reading/dependents.ts";
import { withoutNegated } from "./reading/negation.ts";
import { areDisjoint } from "./reading/schema-disjoint.ts";
import type { SchemaNode } from "./reading/schema-document.ts";
import { hasType, readFacts, type Facts } from "./reading/schema-facts.ts";
import {
  keywordValue,
  readList,
  readString,
  readStrings,
  malformedKeyword,
  refuseKeyword,
  waiveKeyword,
} from "./reading/schema-reader.ts";

/** Keywords that no grammar is written for. All others are compiled, or are annotations, which JSON Schema says to ignore. */
const REFUSED_KEYWORDS = ["$dynamicRef", "$recursiveRef"];

const MAX_CONJUNCTS = 1_000;

interface Pending {
  readonly node: SchemaNode;
  /** The schemas that led here without consuming any text. */
  readonly ancestors: readonly SchemaNode[];
}

/**
 * The alternatives of schemas that must all hold: a text is valid exactly where it is valid for one of them.
 * @throws SchemaNotEnforceableError for a keyword that has no grammar, for references that reach themselves without consuming
 *   anything, for a `oneOf` whose branches are not seen to exclude each other, and past `maxAlternatives`
 */
export function alternativesOf(nodes: readonly SchemaNode[], maxAlternatives: number): readonly Facts[] {
  return alternativesWithin(nodes, { maxAlternatives, oneOfDepth: 0 });
}

/** `oneOfDepth` = the number of `oneOf` around this one whose branches are being compared: only that work recurses. */
interface Bounds {
  readonly maxAlternatives: number;
  readonly oneOfDepth: number;
}

const MAX_ONE_OF_DEPTH = 32;

function alternativesWithin(nodes: readonly SchemaNode[], bounds: Bounds): readonly Facts[] {
  const start = nodes.map((node): Pending => ({ node, ancestors: [] }));
  return expand(start, bounds).map((together) => withoutMissing(withoutNegated(readFacts(together))));
}

/** No object has a property that is required and must not be there. */
function withoutMissing(facts: Facts): Facts {
  const absent = new Set(facts.absent);
  const node = facts.nodes.find((one) => readStrings(one, "required")?.some((name) => absent.has(name)));
  if (node === undefined || !facts.types.has("object")) return facts;
  const types = new Set([...facts.types].filter((type) => type !== "object"));
  const values = facts.values?.filter((value) => hasType(value, types));
  if (types.size > 0 && values?.length !== 0) return { ...facts, types, values };
  const reason = "a required property must not be there";
  return { ...facts, contradiction: facts.contradiction ?? { node, keyword: "required", reason } };
}

function expand(start: readonly Pending[], bounds: Bounds): readonly (readonly SchemaNode[])[] {
  const { maxAlternatives } = bounds;
  const finished: (readonly SchemaNode[])[] = [];
  const branches: { readonly done: readonly SchemaNode[]; readonly pending: readonly Pending[] }[] = [
    { done: [], pending: start },
  ];
  for (let branch = branches.pop(); branch !== undefined; branch = branches.pop()) {
    const [first, ...rest] = branch.pending;
    if (first === undefined) {
      finished.push(branch.done);
      continue;
    }
    const { node, ancestors } = first;
    if (ancestors.includes(node)) malformedKeyword(node, "$ref", "it refers to itself without consuming anything");
    if (branch.done.includes(node)) {
      branches.push({ done: branch.done, pending: rest });
      continue;
    }
    const lineage = [...ancestors, node];
    const done = node.schema === true ? branch.done : [...branch.done, node];
    let combinations: (readonly Pending[])[] = [conjuncts(node).map((one) => ({ node: one, ancestors: lineage }))];
    for (const { keyword, options } of choicesOf(node, bounds)) {
      if (combinations.length * options.length > maxAlternatives) refuseCombinations(node, keyword, maxAlternatives);
      combinations = combinations.flatMap((chosen) =>
        options.map((option) => [...chosen, ...option.map((one) => ({ node: one, ancestors: lineage }))]),
      );
    }
    if (combinations.length + branches.length + finished.length > maxAlternatives) {
      const keywords = ["oneOf", "anyOf", ...DEPENDENT_KEYWORDS];
      const keyword = keywords.find((one) => keywordValue(node, one) !== undefined) ?? "anyOf";
      refuseCombinations(node, keyword, maxAlternatives);
    }
    if (done.length + branch.pending.length + ancestors.length > MAX_CONJUNCTS) {
      refuseKeyword(node, "allOf", `more than ${MAX_CONJUNCTS} schemas would have to hold at once`);
    }
    // Backwards, because the stack hands out the last one first: alternatives keep the order of the schema.
    for (const combination of combinations.reverse()) branches.push({ done, pending: [...combination, ...rest] });
  }
  return finished;
}

interface Choice {
  readonly keyword: string;
  /** What may be chosen: schemas that hold together. */
  readonly options: readonly (readonly SchemaNode[])[];
}

/** The keywords of a schema that leave a choice. Each is examined when the one before it is known not to be too much. */
function* choicesOf(node: SchemaNode, bounds: Bounds): Generator<Choice> {
  for (const keyword of ["anyOf", "oneOf"] as const) {
    const options = choices(node, keyword, bounds)?.map((option) => [option]);
    if (options !== undefined) yield { keyword, options };
  }
  const conditions = cases(node);
  if (conditions !== undefined) yield { keyword: "if", options: conditions };
  for (const keyword of DEPENDENT_KEYWORDS) {
    for (const options of dependentCases(node, keyword)) yield { keyword, options };
  }
}

function refuseCombinations(node: SchemaNode, keyword: string, maxAlternatives: number): never {
  return refuseKeyword(node, keyword, `it has more than ${maxAlternatives} combinations`);
}

/** The schemas that hold whenever this one does. */
function conjuncts(node: SchemaNode): SchemaNode[] {
  for (const keyword of REFUSED_KEYWORDS) {
    if (keywordValue(node, keyword) !== undefined) waiveKeyword(node, keyword, "it has no counterpart in a grammar");
  }
  if (keywordValue(node, "$id") !== undefined && node !== node.document.root) {
    const reason = "references inside an embedded schema of another name are not followed";
    const { enforcement } = node.document;
    if (enforcement.isStrict) refuseKeyword(node, "$id", reason);
    // Its references would be looked up in the wrong document.
    enforcement.waiveWhole({ keyword: "$id", path: node.path, reason });
    return [];
  }
  const reference = readString(node, "$ref");
  const all = readList(node, "allOf") ?? [];
  const parts = all.map((_, index) => node.document.child(node, "allOf", index));
  return reference === undefined ? parts : [node.document.resolve(reference, node), ...parts];
}

function choices(node: SchemaNode, keyword: "anyOf" | "oneOf", bounds: Bounds): SchemaNode[] | undefined {
  const list = readList(node, keyword);
  if (list === undefined) return undefined;
  if (list.length === 0) return malformedKeyword(node, keyword, "it has no branch");
  const options = list.map((_, index) => node.document.child(node, keyword, index));
  if (keyword === "oneOf" && options.length > 1) requireDisjoint(node, options, bounds);
  return options;
}

/**
 * Of `if`, what a grammar can hold: either `if` and `then`, or `else`. That `else` is taken only where `if` does not hold is lost, so
 * that a strict schema is refused.
 */
function cases(node: SchemaNode): (readonly SchemaNode[])[] | undefined {
  const [condition, consequence, otherwise] = ["if", "then", "else"].map((keyword) =>
    keywordValue(node, keyword) === undefined ? undefined : node.document.child(node, keyword),
  );
  if (condition === undefined || (consequence === undefined && otherwise === undefined)) return undefined;
  const note = {
    keyword: "if",
    path: node.path,
    reason: "that a condition does not hold has no counterpart in a grammar",
  };
  if (node.document.enforcement.isStrict) refuseKeyword(node, note.keyword, note.reason);
  node.document.enforcement.annotate(note);
  return [[condition, consequence], [otherwise]].map((option) => option.filter((one) => one !== undefined));
}

const checkedOneOf = new WeakSet<SchemaNode>();

/** A `oneOf` can be compiled as an `anyOf` only where no value satisfies two branches. */
function requireDisjoint(node: SchemaNode, options: readonly SchemaNode[], bounds: Bounds): void {
  // Marked before the work is done: a branch may come back here through a recursive reference.
  if (checkedOneOf.has(node)) return;
  checkedOneOf.add(node);
  const { maxAlternatives, oneOfDepth } = bounds;
  if (oneOfDepth >= MAX_ONE_OF_DEPTH) refuseKeyword(node, "oneOf", `more than ${MAX_ONE_OF_DEPTH} are nested directly`);
  if (options.length > maxAlternatives) refuseCombinations(node, "oneOf", maxAlternatives);
  const facts = options.map((option) => alternativesWithin([option], { maxAlternatives, oneOfDepth: oneOfDepth + 1 }));
  for (const [at, left] of facts.entries()) {
    for (const right of facts.slice(at + 1)) {
      if (left.every((one) => right.every((other) => areDisjoint(one, other)))) continue;
      const reason = "two of its branches may hold at once; anyOf would be enforced";
      const { enforcement } = node.document;
      if (enforcement.isStrict) refuseKeyword(node, "oneOf", reason);
      enforcement.annotate({ keyword: "oneOf", path: node.path, reason: "two of its branches may hold at once" });
      return;
    }
  }
}
