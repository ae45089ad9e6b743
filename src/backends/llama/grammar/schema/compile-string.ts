// Compiles strings: lengths, patterns, formats and forbidden names, intersected in one automaton where there is more than a length.
import {
  acceptsText,
  AutomatonTooLargeError,
  automatonExcept,
  boundLength,
  intersectAutomata,
  type Automaton,
} from "../pattern/automaton.ts";
import { compiled, contradicted, nodeWith, type Compiled, type CompileContext } from "./compile-context.ts";
import type { SchemaPlace } from "../gbnf/grammar-writer.ts";
import { BARE_NAME } from "../gbnf/notation/notation.ts";
import { patternAutomaton } from "../pattern/pattern-automaton.ts";
import { PatternNotSupportedError } from "../pattern/pattern-syntax.ts";
import type { SchemaNode } from "./reading/schema-document.ts";
import { type Facts } from "./reading/schema-facts.ts";
import { INTEGER_FORMATS } from "./numbers/integer-formats.ts";
import { malformedKeyword, refuseKeyword, waiveKeyword } from "./reading/schema-reader.ts";
import { FREE_STRING_FORMATS, STRING_FORMATS } from "../pattern/string-formats.ts";
import { bareTextFromAutomaton, stringTailFromAutomaton } from "../pattern/string-grammar.ts";

/** Formats of numbers, which do not constrain strings. */
const NUMBER_FORMATS: ReadonlySet<string> = new Set([...INTEGER_FORMATS.keys(), "float", "double"]);

/** What the texts of a string must be beside what its facts say: names of properties. */
export interface TextBounds {
  /** Texts that it must not be: for undeclared names, the declared ones. */
  readonly except?: readonly string[];
  /** Those that it must be among; `key` tells them from others. */
  readonly within?: { readonly automaton: Automaton; readonly key: string } | undefined;
}

/**
 * A JSON string.
 * @throws SchemaNotEnforceableError for patterns outside the regular subset, for unknown formats, and for combinations whose
 *   automaton grows too large
 */
export function compileString(
  facts: Facts,
  context: CompileContext,
  { except = [], within }: TextBounds = {},
): Compiled {
  const { writer } = context;
  const { minLength, maxLength } = facts;
  if (maxLength !== undefined && minLength > maxLength) {
    return contradicted(nodeWith(facts, "minLength"), "minLength", "it exceeds maxLength");
  }
  const key = JSON.stringify([minLength, maxLength, sourcesOf(facts), except, within?.key]);
  const known = context.strings.get(key);
  if (known !== undefined) return compiled(known);
  let automaton = textAutomaton(facts, writer.limits.maxAutomatonStates);
  const bounds = [
    ...(within === undefined ? [] : [within.automaton]),
    ...(except.length > 0 ? [automatonExcept(except)] : []),
  ];
  for (const others of bounds) {
    const keyword = within === undefined ? "additionalProperties" : "patternProperties";
    automaton = guardSize(nodeWith(facts, keyword), keyword, () =>
      automaton === undefined ? others : intersectAutomata(automaton, others, writer.limits.maxAutomatonStates),
    );
  }
  const quote = writer.notation.literal(writer.notation.quote);
  if (automaton === undefined) {
    if (minLength === 0 && maxLength === undefined) return compiled(writer.shared("string"));
    const chars = writer.repeat(writer.shared("string-char"), {
      min: minLength,
      max: maxLength,
      minimum: placeOfMinimum(facts),
    });
    return compiled(`${quote} ${chars} ${quote}`);
  }
  if (writer.notation.isBare) automaton = withoutQuotes(automaton, facts, context);
  if (minLength > 0 || maxLength !== undefined) automaton = withLength(automaton, facts, context);
  if (automaton.states.length === 0) {
    return contradicted(nodeWith(facts, "pattern", "format"), firstTextKeyword(facts), "no string satisfies it");
  }
  const expression = writer.notation.isBare
    ? `${quote} ${bareTextFromAutomaton(automaton, writer)} ${quote}`
    : `${quote} ${stringTailFromAutomaton(automaton, writer)}`;
  context.strings.set(key, expression);
  return compiled(expression);
}

/** The texts that do not hold the beginning of a quote. */
function withoutQuotes(automaton: Automaton, facts: Facts, { writer }: CompileContext): Automaton {
  const maxStates = writer.limits.maxAutomatonStates;
  return guardSize(nodeWith(facts, "pattern", "format"), firstTextKeyword(facts), () =>
    intersectAutomata(automaton, patternAutomaton("(?:[^<]|<+[^<|])*", { maxStates, whole: true }), maxStates),
  );
}

/**
 * A name that is not declared, bare where it can be.
 * @throws SchemaNotEnforceableError as {@link compileString}
 */
export function compileName(facts: Facts, context: CompileContext, bounds: TextBounds): Compiled {
  const quoted = compileString(facts, context, bounds);
  if (!context.writer.notation.isBare || "contradiction" in quoted) return quoted;
  const bare = compileBareName(facts, context, bounds);
  return bare === undefined ? quoted : compiled(`( ${bare} | ${quoted.parts.join(" ")} )`);
}

function compileBareName(
  facts: Facts,
  context: CompileContext,
  { except = [], within }: TextBounds,
): string | undefined {
  const { writer } = context;
  const maxStates = writer.limits.maxAutomatonStates;
  const own = textAutomaton(facts, maxStates);
  const node = nodeWith(facts, "additionalProperties", "propertyNames");
  const names = guardSize(node, "additionalProperties", () => {
    const bare = patternAutomaton(BARE_NAME, { maxStates, whole: true });
    const others = [automatonExcept(except), own, within?.automaton].filter((automaton) => automaton !== undefined);
    return others.reduce((names, automaton) => intersectAutomata(names, automaton, maxStates), bare);
  });
  const isBounded = facts.minLength > 0 || facts.maxLength !== undefined;
  const bounded = isBounded ? withLength(names, facts, context) : names;
  return bounded.states.length === 0 ? undefined : bareTextFromAutomaton(bounded, writer);
}

/**
 * A string as bare text, without quotes, escapes and `<`; `undefined` where every string is allowed.
 * @throws SchemaNotEnforceableError as {@link compileString}
 */
export function compileBareText(facts: Facts, context: CompileContext): string | undefined {
  const { minLength, maxLength } = facts;
  if (maxLength !== undefined && minLength > maxLength) {
    refuseKeyword(nodeWith(facts, "minLength"), "minLength", "it exceeds maxLength");
  }
  const { writer } = context;
  const { maxAutomatonStates: maxStates } = writer.limits;
  const any = textAutomaton(facts, maxStates);
  const isBounded = minLength > 0 || maxLength !== undefined;
  if (any === undefined) {
    if (!isBounded) return undefined;
    return writer.repeat("[^<]", { min: minLength, max: maxLength, minimum: placeOfMinimum(facts) });
  }
  const node = nodeWith(facts, "pattern", "format");
  const keyword = firstTextKeyword(facts);
  const bare = guardSize(node, keyword, () =>
    intersectAutomata(any, patternAutomaton("[^<]*", { maxStates, whole: true }), maxStates),
  );
  const bounded = isBounded ? withLength(bare, facts, context) : bare;
  if (bounded.states.length === 0) refuseKeyword(node, keyword, 'no string without "<" satisfies it');
  return bareTextFromAutomaton(bounded, writer);
}

/** True where a string satisfies all that the facts say about strings. Runs automata, never a backtracking matcher. */
export function stringSatisfies(text: string, facts: Facts, maxStates: number): boolean {
  const length = Array.from(text).length;
  if (length < facts.minLength || length > (facts.maxLength ?? Infinity)) return false;
  const automaton = textAutomaton(facts, maxStates);
  return automaton === undefined || acceptsText(automaton, text);
}

function sourcesOf(facts: Facts): readonly string[] {
  return [
    ...facts.patterns.map(({ source }) => source),
    "",
    ...facts.formats.map(({ name }) => name),
    "",
    ...facts.exceptTexts,
  ];
}

// Every listed value is checked against the same automaton.
const automataOfFacts = new WeakMap<Facts, { readonly automaton: Automaton | undefined }>();

function textAutomaton(facts: Facts, maxStates: number): Automaton | undefined {
  const known = automataOfFacts.get(facts);
  if (known !== undefined) return known.automaton;
  const automaton = buildTextAutomaton(facts, maxStates);
  automataOfFacts.set(facts, { automaton });
  return automaton;
}

function buildTextAutomaton(facts: Facts, maxStates: number): Automaton | undefined {
  let automaton: Automaton | undefined;
  const join = (node: SchemaNode, keyword: string, other: () => Automaton): void => {
    try {
      automaton = automaton === undefined ? other() : intersectAutomata(automaton, other(), maxStates);
    } catch (error) {
      waiveKeyword(node, keyword, reasonOf(error));
    }
  };
  const sources = new Set<string>();
  for (const { source, node } of facts.patterns) {
    if (sources.has(source)) continue;
    sources.add(source);
    const pattern = nodePattern(node, { keyword: "pattern", source, maxStates });
    if (pattern !== undefined) join(node, "pattern", () => pattern);
  }
  for (const { name, node } of facts.formats) {
    const source = STRING_FORMATS.get(name);
    if (source !== undefined) join(node, "format", () => patternAutomaton(source, { maxStates, whole: true }));
    else annotateUnknownFormat(name, node);
  }
  if (facts.exceptTexts.length > 0) {
    join(nodeWith(facts, "not"), "not", () => automatonExcept(facts.exceptTexts));
  }
  return automaton;
}

/** Bounds the length exactly where the limit on states allows it; else lowers the upper bound, which only leaves valid strings out. */
function withLength(automaton: Automaton, facts: Facts, { writer }: CompileContext): Automaton {
  const maxStates = writer.limits.maxAutomatonStates;
  const { minLength: min, maxLength: max } = facts;
  const keyword = max === undefined ? "minLength" : "maxLength";
  const node = nodeWith(facts, keyword);
  const most = Math.floor(maxStates / automaton.states.length);
  if (max === undefined || max <= most) {
    return guardSize(node, keyword, () => boundLength(automaton, { min, max, maxStates }));
  }
  try {
    return boundLength(automaton, { min, max, maxStates });
  } catch (error) {
    if (!(error instanceof AutomatonTooLargeError)) throw error;
    return guardSize(node, keyword, () => boundLength(automaton, { min, max: Math.max(min, most - 1), maxStates }));
  }
}

/** @throws SchemaNotEnforceableError where no automaton can be built */
export function guardSize<Result>(node: SchemaNode, keyword: string, build: () => Result): Result {
  try {
    return build();
  } catch (error) {
    return refuseKeyword(node, keyword, reasonOf(error));
  }
}

/** Names are looked up in the same patterns again and again. */
const patternsOfNodes = new WeakMap<SchemaNode, Map<string, Automaton>>();

/**
 * The strings that a pattern of a schema finds itself in; `undefined` where none can be built of it and the schema is not strict.
 * @throws SchemaNotEnforceableError where the schema is strict, and for what is no regular expression
 */
export function nodePattern(
  node: SchemaNode,
  { keyword, source, maxStates }: { readonly keyword: string; readonly source: string; readonly maxStates: number },
): Automaton | undefined {
  const known = patternsOfNodes.get(node) ?? new Map<string, Automaton>();
  patternsOfNodes.set(node, known);
  try {
    const automaton = known.get(source) ?? patternAutomaton(source, { maxStates });
    known.set(source, automaton);
    return automaton;
  } catch (error) {
    const reason = reasonOf(error);
    if (!isRegularExpression(source)) malformedKeyword(node, keyword, reason);
    waiveKeyword(node, keyword, reason);
    return undefined;
  }
}

function isRegularExpression(pattern: string): boolean {
  try {
    // Without the flag `u` too: many patterns that the field accepts have escapes that it forbids.
    return new RegExp(pattern) instanceof RegExp;
  } catch {
    return false;
  }
}

/** Why a string constraint has no automaton. Throws every other error again. */
function reasonOf(error: unknown): string {
  if (error instanceof AutomatonTooLargeError || error instanceof PatternNotSupportedError) return error.message;
  throw error;
}

/** A format that is not known constrains nothing, as JSON Schema says; callers are told all the same. */
export function annotateUnknownFormat(name: string, { document, path }: SchemaNode): void {
  if (STRING_FORMATS.has(name) || FREE_STRING_FORMATS.has(name) || NUMBER_FORMATS.has(name)) return;
  const reason = `the format ${JSON.stringify(name)} is not known`;
  document.enforcement.annotate({ keyword: "format", path, reason });
}

function firstTextKeyword(facts: Facts): string {
  return facts.patterns.length > 0 ? "pattern" : "format";
}

function placeOfMinimum(facts: Facts): SchemaPlace {
  return { keyword: "minLength", path: nodeWith(facts, "minLength").path };
}
