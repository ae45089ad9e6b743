// Compiles schemas to rules. Every set of schemas that must hold together becomes one rule, and recursive schemas recursive rules.
import { compileArray } from "./compile-array.ts";
import {
  alternation,
  compiled,
  contradicted,
  nodeWith,
  toError,
  type Compiled,
  type CompileContext,
} from "./compile-context.ts";
import { compileNumber, numberSatisfies } from "./compile-number.ts";
import { compileObject, readObjectShape } from "./objects/compile-object.ts";
import { compileBareText, compileString, stringSatisfies } from "./compile-string.ts";
import { gbnfLiteral } from "../gbnf/gbnf-literal.ts";
import type { GrammarWriter } from "../gbnf/grammar-writer.ts";
import { canonicalJson, type JsonValue } from "./reading/json-value.ts";
import { alternativesOf } from "./schema-alternatives.ts";
import type { SchemaNode } from "./reading/schema-document.ts";
import { SchemaNotEnforceableError } from "../gbnf/grammar-error.ts";
import { mentionsType, type Facts, type TypeName } from "./reading/schema-facts.ts";
import { ANNOTATIONS, keywordValue, refuseKeyword } from "./reading/schema-reader.ts";
import { valueTrie } from "./value-trie.ts";

/** Writes the rules of one grammar, for any number of documents. */
export class SchemaCompiler implements CompileContext {
  readonly writer: GrammarWriter;
  readonly strings = new Map<string, string>();
  readonly #rules = new Map<string, string>();
  readonly #satisfiable = new Map<string, boolean>();
  readonly #bodies = new Map<string, string>();
  /** Rules that were referred to while or after they were written. */
  readonly #mentioned = new Set<string>();
  #depth = 0;

  constructor(writer: GrammarWriter) {
    this.writer = writer;
  }

  compile(nodes: readonly SchemaNode[]): string {
    const unique = distinct(nodes);
    const first = unique[0];
    if (first === undefined) return this.writer.shared("value");
    const key = keyOf(unique);
    const known = this.#rules.get(key);
    if (known !== undefined) {
      this.#mentioned.add(known);
      return known;
    }
    if (this.#depth >= this.writer.limits.maxSchemaDepth) {
      refuseKeyword(
        first,
        placeKeyword(first),
        `schemas are nested more than ${this.writer.limits.maxSchemaDepth} levels deep`,
      );
    }
    const outerPlace = this.writer.place;
    this.writer.place = { keyword: placeKeyword(first), path: first.path };
    this.#depth += 1;
    const name = this.writer.reserve("value");
    this.#rules.set(key, name);
    const body = this.#valueExpression(unique);
    // A rule of the same text takes this one's place: alternatives that begin with either then begin alike.
    const twin = this.#bodies.get(body);
    if (twin === undefined || this.#mentioned.has(name)) this.writer.define(name, body);
    if (twin === undefined) this.#bodies.set(body, name);
    else this.#rules.set(key, twin);
    this.#depth -= 1;
    this.writer.place = outerPlace;
    return twin ?? name;
  }

  /** A string that the schemas allow, as bare text; `undefined` where they allow all of them. */
  bareText(nodes: readonly SchemaNode[]): string | undefined {
    const [first] = nodes;
    if (first !== undefined) this.writer.place = { keyword: placeKeyword(first), path: first.path };
    const options: string[] = [];
    let failure: SchemaNotEnforceableError | undefined;
    for (const facts of this.alternatives(nodes)) {
      if (facts.contradiction !== undefined) failure ??= toError(facts.contradiction);
      else if (facts.values !== undefined) {
        const texts = this.#allowedValues(facts).filter((value) => typeof value === "string");
        options.push(...texts.map(gbnfLiteral));
      } else if (facts.types.has("string")) {
        const expression = compileBareText(facts, this);
        if (expression === undefined) return undefined;
        options.push(expression);
      }
    }
    if (options.length > 0) return options.join(" | ");
    throw failure ?? new SchemaNotEnforceableError({ ...this.writer.place, reason: "no string is allowed" });
  }

  alternatives(nodes: readonly SchemaNode[]): readonly Facts[] {
    return alternativesOf(distinct(nodes), this.writer.limits.maxAlternatives);
  }

  listedValues(nodes: readonly SchemaNode[]): readonly JsonValue[] | undefined {
    const listed = new Map<string, JsonValue>();
    for (const facts of this.alternatives(nodes)) {
      if (!this.#isPossible(facts)) continue;
      const isSmall = [...facts.types].every((type) => type === "boolean" || type === "null");
      if (facts.values === undefined && !isSmall) return undefined;
      const values = [...(facts.types.has("boolean") ? [true, false] : []), ...(facts.types.has("null") ? [null] : [])];
      const allowed = facts.values === undefined ? values : this.#allowedValues(facts);
      for (const value of allowed) listed.set(canonicalJson(value), value);
    }
    return [...listed.values()];
  }

  isSatisfiable(nodes: readonly SchemaNode[]): boolean {
    const unique = distinct(nodes);
    const key = keyOf(unique);
    const known = this.#satisfiable.get(key);
    if (known !== undefined) return known;
    if (this.#depth >= this.writer.limits.maxSchemaDepth) return true;
    // Assumed while the schema is examined: one that contains itself is no contradiction yet.
    this.#satisfiable.set(key, true);
    this.#depth += 1;
    const answer = this.alternatives(unique).some((facts) => this.#isPossible(facts));
    this.#depth -= 1;
    this.#satisfiable.set(key, answer);
    return answer;
  }

  #isPossible(facts: Facts): boolean {
    if (facts.contradiction !== undefined) return false;
    if (facts.values !== undefined) return this.#allowedValues(facts).length > 0;
    if (facts.types.size > 1 || !facts.types.has("object")) return true;
    const { properties, required } = readObjectShape(facts, {
      isOwner: true,
      maxStates: this.writer.limits.maxAutomatonStates,
    });
    return [...required].every((name) => this.isSatisfiable(properties.get(name) ?? []));
  }

  #valueExpression(nodes: readonly SchemaNode[]): string {
    const options: (readonly string[])[] = [];
    let failure: SchemaNotEnforceableError | undefined;
    const alternatives = this.alternatives(nodes);
    if (alternatives.length > 1) this.writer.choicePlace = this.writer.place;
    for (const facts of alternatives) {
      if (facts.nodes.length === 0) return this.writer.shared("value");
      for (const result of this.#alternative(facts, nodes)) {
        if ("parts" in result) options.push(result.parts);
        else failure ??= toError(result.contradiction);
      }
    }
    if (options.length > 0) return alternation(options);
    throw failure ?? new SchemaNotEnforceableError({ ...this.writer.place, reason: "no value is allowed" });
  }

  #alternative(facts: Facts, nodes: readonly SchemaNode[]): Compiled[] {
    if (facts.contradiction !== undefined) return [{ contradiction: facts.contradiction }];
    if (!this.#isPossible(facts)) {
      const keyword = facts.values === undefined ? "required" : "enum";
      return [contradicted(nodeWith(facts, keyword, "const"), keyword, "it contradicts the other keywords")];
    }
    if (facts.values !== undefined) return [compiled(valueTrie(this.#allowedValues(facts), this.writer))];
    // A bare `type` beside a schema (arguments of a tool are objects in any case) evaluates no property.
    const owners = nodes.filter(({ schema }) => typeof schema === "boolean" || Object.keys(schema).join() !== "type");
    const isOwner = owners.length === 1 && owners[0] === facts.nodes[0];
    return typesToWrite(facts).map((type) => this.#ofType(type, facts, isOwner));
  }

  #ofType(type: TypeName, facts: Facts, isOwner: boolean): Compiled {
    const isPlain = !mentionsType(facts.nodes, type === "integer" ? "number" : type);
    switch (type) {
      case "object":
        return isPlain ? compiled(this.writer.shared("object")) : compileObject(facts, this, isOwner);
      case "array":
        return isPlain ? compiled(this.writer.shared("array")) : compileArray(facts, this);
      case "string":
        return compileString(facts, this);
      case "number":
      case "integer":
        return compileNumber(facts, this);
      case "boolean":
        return compiled(this.writer.shared("boolean"));
      case "null":
        return compiled('"null"');
    }
  }

  /** Listed values that the other keywords allow. */
  #allowedValues(facts: Facts): readonly JsonValue[] {
    return (facts.values ?? []).filter((value) => {
      if (typeof value === "string") return stringSatisfies(value, facts, this.writer.limits.maxAutomatonStates);
      if (typeof value === "number") return numberSatisfies(value, facts);
      const type = Array.isArray(value) ? "array" : "object";
      if (typeof value === "object" && value !== null && mentionsType(facts.nodes, type)) {
        this.#noteListed(facts, type);
      }
      return true;
    });
  }

  /** A listed object or array that other keywords restrict as well stays possible where the schema is not strict. */
  #noteListed(facts: Facts, type: "array" | "object"): void {
    const node = nodeWith(facts, "enum", "const");
    const reason = `other keywords restrict the listed ${type}`;
    const { enforcement } = node.document;
    if (enforcement.isStrict) refuseKeyword(node, "enum", reason);
    enforcement.annotate({ keyword: "enum", path: node.path, reason });
  }
}

/**
 * The types to write. A schema without `type` allows every type, even where its keywords concern objects only; then the types that
 * its keywords concern are written, which is what its author meant and makes no invalid text.
 */
function typesToWrite(facts: Facts): readonly TypeName[] {
  const types = [...facts.types];
  if (facts.nodes.some((node) => keywordValue(node, "type") !== undefined)) return types;
  const meant = types.filter((type) => mentionsType(facts.nodes, type === "integer" ? "number" : type));
  return meant.length > 0 ? meant : types;
}

function distinct(nodes: readonly SchemaNode[]): readonly SchemaNode[] {
  const targets = nodes.map(referredTo).filter((node) => node.schema !== true);
  return [...new Set(targets)].sort((left, right) => left.id - right.id);
}

/** A schema that is nothing but a reference is the schema it refers to, and shares its rule. */
function referredTo(node: SchemaNode): SchemaNode {
  const seen = new Set<SchemaNode>();
  let at = node;
  while (typeof at.schema === "object" && !seen.has(at)) {
    const reference = keywordValue(at, "$ref");
    if (typeof reference !== "string") break;
    if (!Object.keys(at.schema).every((keyword) => keyword === "$ref" || ANNOTATIONS.has(keyword))) break;
    seen.add(at);
    at = at.document.resolve(reference, at);
  }
  return at;
}

function keyOf(nodes: readonly SchemaNode[]): string {
  return nodes.map((node) => node.id).join(",");
}

const STRUCTURAL_KEYWORDS = [
  "$ref",
  "anyOf",
  "oneOf",
  "allOf",
  "enum",
  "const",
  "properties",
  "items",
  "pattern",
  "type",
];

/** The keyword to name where a whole schema is at fault, for example for its size. */
function placeKeyword(node: SchemaNode): string {
  return STRUCTURAL_KEYWORDS.find((keyword) => keywordValue(node, keyword) !== undefined) ?? "$schema";
}
