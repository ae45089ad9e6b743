// Compiles arrays: positions that have a schema of their own, then items of one schema, as many as the bounds allow.
import { compiled, contradicted, nodeWith, type Compiled, type CompileContext } from "./compile-context.ts";
import type { GrammarWriter } from "../gbnf/grammar-writer.ts";
import { valueText } from "../gbnf/notation/notation.ts";
import { isJsonArray, type JsonValue } from "./reading/json-value.ts";
import type { SchemaNode } from "./reading/schema-document.ts";
import type { Facts } from "./reading/schema-facts.ts";
import { keywordValue, readList, waiveKeyword } from "./reading/schema-reader.ts";

/**
 * A JSON array. Where `prefixItems` stands without `items`, nothing follows the listed positions unless `minItems` asks for it.
 * @throws SchemaNotEnforceableError for `contains`, for `unevaluatedItems`, and for `uniqueItems` where two items are possible and
 *   their values are not few
 */
export function compileArray(facts: Facts, context: CompileContext): Compiled {
  requireEnforceable(facts);
  const { writer } = context;
  const prefixes = facts.nodes.map(prefixLength);
  const prefix = Math.max(0, ...prefixes);
  const rest = facts.nodes.flatMap(itemsAfterPrefix);
  const isOpened = facts.nodes.some(({ document, path }) =>
    ["items", "additionalItems"].some((keyword) => document.enforcement.isWaived(path, keyword)),
  );
  const isClosed = prefix > 0 && rest.length === 0 && facts.minItems <= prefix && !isOpened;
  let max = Math.min(facts.maxItems ?? Infinity, isClosed ? prefix : Infinity);
  const positions: string[] = [];
  for (let at = 0; at < prefix && at < max; at += 1) {
    const nodes = facts.nodes.flatMap((node, index) =>
      at < (prefixes[index] ?? 0) ? [node.document.child(node, prefixKeyword(node), at)] : itemsAfterPrefix(node),
    );
    if (!context.isSatisfiable(nodes)) max = at;
    else positions.push(context.compile(nodes));
  }
  if (max > prefix && !context.isSatisfiable(rest)) max = prefix;
  if (facts.minItems > max) return contradicted(nodeWith(facts, "minItems"), "minItems", "it exceeds what is possible");
  const ws = writer.shared("ws");
  if (max > 1 && facts.nodes.some((node) => keywordValue(node, "uniqueItems") === true)) {
    const listed = prefix === 0 ? context.listedValues(rest) : undefined;
    if (listed !== undefined && facts.minItems > listed.length) {
      return contradicted(nodeWith(facts, "minItems"), "minItems", "there are not so many different items");
    }
    const inner = listed === undefined ? undefined : uniqueElements(listed, { writer, min: facts.minItems, max });
    if (inner !== undefined) return compiled(`"[" ${ws} ${inner} "]"`);
    waiveUniqueness(facts);
  }
  if (max === 0) return compiled(`"[" ${ws} "]"`);
  const inner = elements(positions, { facts, context, rest, max });
  return compiled(facts.minItems === 0 ? `"[" ${ws} ( ${inner} ${ws} )? "]"` : `"[" ${ws} ${inner} ${ws} "]"`);
}

/** One or more elements. */
function elements(
  positions: readonly string[],
  {
    facts,
    context,
    rest,
    max,
  }: {
    readonly facts: Facts;
    readonly context: CompileContext;
    readonly rest: readonly SchemaNode[];
    readonly max: number;
  },
): string {
  const { writer } = context;
  const ws = writer.shared("ws");
  const prefix = positions.length;
  let tail = "";
  if (max > prefix) {
    const item = context.compile(rest);
    const next = writer.rule("next", `"," ${ws} ${item}`);
    // The first element has no comma before it, and is there whenever this expression is.
    const written = Math.max(prefix, 1);
    const bounds = {
      min: Math.max(0, facts.minItems - written),
      max: Number.isFinite(max) ? max - written : undefined,
      minimum: { keyword: "minItems", path: nodeWith(facts, "minItems").path },
    };
    tail = writer.repeat(next, bounds);
    if (prefix === 0) return tail === "" ? item : `${item} ${tail}`;
  }
  for (let at = prefix - 1; at >= 0; at -= 1) {
    const element = `${at > 0 ? `"," ${ws} ` : ""}${positions[at]}${tail === "" ? "" : ` ${tail}`}`;
    tail = at > 0 && at >= facts.minItems ? writer.rule("rest", `( ${element} )?`) : element;
  }
  return tail;
}

function prefixLength(node: SchemaNode): number {
  return readList(node, prefixKeyword(node))?.length ?? 0;
}

/** Draft 2019-09 and before wrote the list under `items` and the schema of the others under `additionalItems`. */
function prefixKeyword(node: SchemaNode): "items" | "prefixItems" {
  return isJsonArray(keywordValue(node, "items")) ? "items" : "prefixItems";
}

function itemsAfterPrefix(node: SchemaNode): SchemaNode[] {
  const keyword = prefixKeyword(node) === "items" ? "additionalItems" : "items";
  return keywordValue(node, keyword) === undefined ? [] : [node.document.child(node, keyword)];
}

function requireEnforceable(facts: Facts): void {
  for (const node of facts.nodes) {
    if (keywordValue(node, "contains") !== undefined) waiveKeyword(node, "contains", "items are not counted by kind");
    const unevaluated = keywordValue(node, "unevaluatedItems");
    if (unevaluated !== undefined && unevaluated !== true) {
      waiveKeyword(node, "unevaluatedItems", "it depends on which other schemas hold");
    }
  }
}

function waiveUniqueness(facts: Facts): void {
  for (const node of facts.nodes) {
    if (keywordValue(node, "uniqueItems") === true) {
      waiveKeyword(node, "uniqueItems", "a grammar does not remember earlier items");
    }
  }
}

const MAX_SUBSETS = 1_024;

/**
 * Elements of which none comes twice, with the white space before the closing bracket: one rule for every set of values that may have
 * been written. `undefined` where these are too many.
 */
function uniqueElements(
  values: readonly JsonValue[],
  { writer, min, max }: { readonly writer: GrammarWriter; readonly min: number; readonly max: number },
): string | undefined {
  const most = Math.min(max, values.length);
  if (subsets(values.length, most) > MAX_SUBSETS) return undefined;
  const ws = writer.shared("ws");
  const items = values.map((value) => writer.rule("item", writer.notation.literal(valueText(value, writer.notation))));
  const names = new Map<string, string>();
  const after = (written: readonly number[]): string => {
    if (written.length >= most) return ws;
    const key = written.join(",");
    const known = names.get(key);
    if (known !== undefined) return known;
    const name = writer.reserve("unique");
    names.set(key, name);
    const comma = written.length > 0 ? `"," ${ws} ` : "";
    const options = items.flatMap((item, index) =>
      written.includes(index) ? [] : [`${comma}${item} ${after([...written, index].sort((a, b) => a - b))}`],
    );
    if (written.length >= min) options.push(written.length === 0 ? '""' : ws);
    writer.define(name, options.join(" | "));
    return name;
  };
  return after([]);
}

/** The number of sets of fewer than `most` out of `count` things; more than {@link MAX_SUBSETS} are not counted. */
function subsets(count: number, most: number): number {
  let total = 0;
  let ofSize = 1;
  for (let size = 0; size < most && total <= MAX_SUBSETS; size += 1) {
    total += ofSize;
    ofSize = (ofSize * (count - size)) / (size + 1);
  }
  return total;
}
