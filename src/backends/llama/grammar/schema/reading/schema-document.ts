// One schema document: resolves `$ref`, and gives every schema object an identity and a path, so that recursion is recognised and
// errors name a place.
import { isJsonArray, isJsonObject, joinPointer, ownValue, type JsonObject, type JsonValue } from "./json-value.ts";
import { SchemaNotEnforceableError, type SchemaFault } from "../../gbnf/grammar-error.ts";
import type { WrittenOrder } from "../../../../../util/written-order.ts";
import { Enforcement } from "./enforcement.ts";

/** A schema at one place of the document. The same object always has the same node. */
export interface SchemaNode {
  /** Ascending in order of discovery. */
  readonly id: number;
  readonly schema: JsonObject | boolean;
  /** JSON pointer from the root. */
  readonly path: string;
  readonly document: SchemaDocument;
  /** Names that objects must not have: set for a schema that the compiler has made of another one's keyword. */
  readonly absent?: readonly string[];
}

export interface SchemaDocumentOptions {
  /** Put before every path in errors. */
  readonly pathPrefix: string;
  /** Shared by documents that are compiled into one grammar, so that no two of their nodes have the same id. */
  readonly numbering: { next: number };
  /** @default strict */
  readonly enforcement?: Enforcement | undefined;
  /** Of keys, where it is not that of the objects themselves. */
  readonly order?: WrittenOrder | undefined;
}

export class SchemaDocument {
  readonly root: SchemaNode;
  readonly enforcement: Enforcement;
  readonly #objects = new Map<JsonObject, SchemaNode>();
  readonly #booleans = new Map<string, SchemaNode>();
  readonly #derived = new Map<string, SchemaNode>();
  readonly #rootSchema: JsonValue;
  readonly #numbering: { next: number };
  readonly #order: WrittenOrder;
  readonly #pathLength: number;

  constructor(schema: JsonValue, { pathPrefix, numbering, enforcement, order = {} }: SchemaDocumentOptions) {
    this.#order = order;
    this.#pathLength = pathPrefix.length;
    this.enforcement = enforcement ?? new Enforcement({ strict: true });
    this.#numbering = numbering;
    if (!this.enforcement.isWholeWaived(pathPrefix)) requireBoundedDepth(schema, pathPrefix);
    this.#rootSchema = schema;
    this.root = this.#node(schema, { path: pathPrefix, keyword: "$schema" });
  }

  /** The schema under a keyword of a node, or deeper where the keyword holds a list or a map. */
  child(parent: SchemaNode, ...segments: readonly [string, ...(string | number)[]]): SchemaNode {
    let value: JsonValue | undefined = parent.schema;
    let path = parent.path;
    for (const segment of segments) {
      value = step(value, String(segment));
      path = joinPointer(path, segment);
    }
    return this.#node(value, { path, keyword: segments[0] });
  }

  /**
   * A schema that stands for a part of what `parent` says, and has its place in errors. Of one name there is one.
   */
  derive(
    parent: SchemaNode,
    {
      name,
      schema,
      absent,
    }: { readonly name: string; readonly schema: JsonObject; readonly absent?: readonly string[] },
  ): SchemaNode {
    const key = `${parent.id} ${name}`;
    let node = this.#derived.get(key);
    if (node === undefined) {
      node = { id: this.#numbering.next, schema, path: parent.path, document: this, ...(absent && { absent }) };
      this.#numbering.next += 1;
      this.#derived.set(key, node);
    }
    return node;
  }

  /** The keys of a map under a keyword of a node, in the order in which they were written as far as that is known. */
  keysOf(node: SchemaNode, keyword: string, map: JsonObject): readonly string[] {
    const written = this.#order[joinPointer(node.path, keyword).slice(this.#pathLength)] ?? [];
    return [...new Set([...written.filter((key) => Object.hasOwn(map, key)), ...Object.keys(map)])];
  }

  /** Follows a `$ref`: the root, or a JSON pointer within the document, with or without the root's own `$id` before it. */
  resolve(reference: string, from: SchemaNode): SchemaNode {
    const refuse = (reason: string, fault?: SchemaFault): never => {
      throw new SchemaNotEnforceableError({ keyword: "$ref", path: from.path, reason, ...(fault && { fault }) });
    };
    const rootId = isJsonObject(this.#rootSchema) ? ownValue(this.#rootSchema, "$id") : undefined;
    const [base = "", fragment = ""] = reference.split("#");
    if (base !== "" && base !== rootId) return refuse("only references within the schema itself are followed");
    if (fragment === "") return this.root;
    if (!fragment.startsWith("/")) return refuse("only JSON pointers are followed, not anchors");
    let value: JsonValue | undefined = this.#rootSchema;
    let path = this.root.path;
    for (const encoded of fragment.slice(1).split("/")) {
      const segment = decodePointerSegment(encoded) ?? refuse("it is not a valid JSON pointer", "malformed");
      value = step(value, segment);
      path = joinPointer(path, segment);
    }
    if (value === undefined) return refuse("it points at nothing", "malformed");
    return this.#node(value, { path, keyword: "$ref" });
  }

  #node(written: JsonValue | undefined, { path, keyword }: { path: string; keyword: string }): SchemaNode {
    const schema = this.enforcement.isWholeWaived(path) ? true : written;
    if (typeof schema !== "boolean" && !isJsonObject(schema)) {
      throw new SchemaNotEnforceableError({
        keyword,
        path,
        reason: "a schema must be an object or a boolean",
        fault: "malformed",
      });
    }
    const known = typeof schema === "boolean" ? this.#booleans.get(path) : this.#objects.get(schema);
    if (known !== undefined) return known;
    const node: SchemaNode = { id: this.#numbering.next, schema, path, document: this };
    this.#numbering.next += 1;
    if (typeof schema === "boolean") this.#booleans.set(path, node);
    else this.#objects.set(schema, node);
    return node;
  }
}

const MAX_JSON_DEPTH = 512;

/** Bounds the depth of a schema, on which all that reads it recurses; `JSON.parse` has no such bound. */
function requireBoundedDepth(schema: JsonValue, path: string): void {
  if (!isDeeperThan(schema, MAX_JSON_DEPTH)) return;
  const deep = isJsonObject(schema)
    ? Object.keys(schema).find((key) => isDeeperThan(schema[key] ?? null, MAX_JSON_DEPTH - 1))
    : undefined;
  const reason = `the schema is nested more than ${MAX_JSON_DEPTH} levels deep`;
  throw new SchemaNotEnforceableError({ keyword: deep ?? "$schema", path, reason });
}

/** Goes level by level, and visits an object once per level, however many places it is in. */
function isDeeperThan(value: JsonValue, limit: number): boolean {
  let level: ReadonlySet<JsonValue> = new Set([value]);
  for (let depth = 0; depth <= limit && level.size > 0; depth += 1) {
    const next = new Set<JsonValue>();
    for (const one of level) {
      if (typeof one !== "object" || one === null) continue;
      for (const inner of Object.values(one)) next.add(inner);
    }
    level = next;
  }
  return level.size > 0;
}

function step(value: JsonValue | undefined, segment: string): JsonValue | undefined {
  if (isJsonArray(value)) return /^(0|[1-9]\d*)$/.test(segment) ? value[Number(segment)] : undefined;
  return isJsonObject(value) ? ownValue(value, segment) : undefined;
}

function decodePointerSegment(encoded: string): string | undefined {
  try {
    return decodeURIComponent(encoded).replaceAll("~1", "/").replaceAll("~0", "~");
  } catch {
    return undefined;
  }
}
