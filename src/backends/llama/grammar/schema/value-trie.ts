// Writes fixed values as one expression with shared beginnings: of thousands of values llama.cpp then follows one path, not thousands.
import type { GrammarWriter } from "../gbnf/grammar-writer.ts";
import { nameText, valueText } from "../gbnf/notation/notation.ts";
import type { JsonValue } from "./reading/json-value.ts";

interface TrieNode {
  readonly children: Map<string, TrieNode>;
  isEnd: boolean;
}

// Nested brackets are read recursively by llama.cpp, so deep ones become rules of their own.
const MAX_NESTING = 12;

/** An expression for the texts of the values, JSON exactly as `JSON.stringify` writes it. There must be at least one value. */
export function valueTrie(values: readonly JsonValue[], writer: GrammarWriter): string {
  return textTrie(
    values.map((value) => valueText(value, writer.notation)),
    writer,
  );
}

/** An expression for the names of properties. */
export function namesTrie(names: readonly string[], writer: GrammarWriter): string {
  return textTrie(
    names.map((name) => nameText(name, writer.notation)),
    writer,
  );
}

/** An expression for texts that are not empty, of which there must be one at least. */
export function textTrie(texts: readonly string[], writer: GrammarWriter): string {
  const root: TrieNode = { children: new Map(), isEnd: false };
  const { maxExpandedElements } = writer.limits;
  let size = 0;
  for (const text of texts) {
    let node = root;
    for (const char of text) {
      let child = node.children.get(char);
      if (child === undefined) {
        child = { children: new Map(), isEnd: false };
        node.children.set(char, child);
        size += 1;
        if (size > maxExpandedElements) writer.refuse(`its values need more than ${maxExpandedElements} elements`);
      }
      node = child;
    }
    node.isEnd = true;
  }
  const emitter = new TrieEmitter(writer);
  const expression = emitter.branch(root, 0);
  emitter.finish();
  return expression;
}

/** Writes deep branches as rules of their own, one after another: neither this class nor llama.cpp recurses along a long list. */
class TrieEmitter {
  readonly #writer: GrammarWriter;
  readonly #todo: { readonly name: string; readonly node: TrieNode }[] = [];

  constructor(writer: GrammarWriter) {
    this.#writer = writer;
  }

  branch(node: TrieNode, depth: number): string {
    if (depth === MAX_NESTING && node.children.size > 0) {
      const name = this.#writer.reserve("values");
      this.#todo.push({ name, node });
      return node.isEnd ? `${name}?` : name;
    }
    const body = this.#body(node, depth);
    if (node.isEnd) return `( ${body} )?`;
    return node.children.size === 1 ? body : `( ${body} )`;
  }

  finish(): void {
    for (let next = this.#todo.pop(); next !== undefined; next = this.#todo.pop()) {
      this.#writer.define(next.name, this.#body(next.node, 0));
    }
  }

  #body(node: TrieNode, depth: number): string {
    return [...node.children].map(([char, child]) => this.#path(char, child, depth)).join(" | ");
  }

  #path(first: string, start: TrieNode, depth: number): string {
    let text = first;
    let node = start;
    for (let only = soleChild(node); only !== undefined; only = soleChild(node)) {
      text += only[0];
      node = only[1];
    }
    const literal = this.#writer.notation.literal(text);
    return node.children.size === 0 ? literal : `${literal} ${this.branch(node, depth + 1)}`;
  }
}

function soleChild(node: TrieNode): [string, TrieNode] | undefined {
  if (node.isEnd || node.children.size !== 1) return undefined;
  const [only] = node.children;
  return only;
}
